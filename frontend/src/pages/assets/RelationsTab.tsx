import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { RelationList } from '../../api/types';
import { LevelBadge, Section, Segmented } from '../../parts/Controls';
import { Async, Empty } from '../../parts/States';
import { assetLink } from '../../shell/url';
import { t } from '../../shell/words';

type Side = 'all' | 'in' | 'out';

interface Props {
  query: {
    data: RelationList | undefined;
    error: Error | null;
    isPending: boolean;
    refetch: () => unknown;
  };
}

/** Every relation of the asset as a table. */
export function RelationsTab({ query }: Props) {
  const [side, setSide] = useState<Side>('all');
  const navigate = useNavigate();
  return (
    <Async query={query} what={t('relations.what')}>
      {({ items }) => {
        const rows = items.filter((r) => side === 'all' || r.direction === side);
        if (items.length === 0) return <Empty title={t('relations.none')} text={t('relations.none.text')} />;
        return (
          <section>
            <Section
              title={t('tab.relations')}
              note={t('relations.note', { n: rows.length, of: items.length })}
            >
              <Segmented<Side>
                label={t('relations.direction')}
                value={side}
                options={(['all', 'in', 'out'] as const).map((value) => ({
                  value,
                  label: t(`relations.${value}`),
                }))}
                onChange={setSide}
              />
            </Section>
            <table className="table">
              <thead>
                <tr>
                  <th>{t('relations.direction')}</th>
                  <th>{t('relations.type')}</th>
                  <th>{t('worst.asset')}</th>
                  <th>{t('relations.title')}</th>
                  <th>{t('worst.class')}</th>
                  <th>{t('worst.path')}</th>
                  <th>{t('relations.attributes')}</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((r) => (
                  <tr
                    key={`${r.direction} ${r.type} ${r.asset.id}`}
                    className="go"
                    onClick={() => void navigate(assetLink(r.asset.path, { tab: 'relations' }))}
                  >
                    <td className="muted">
                      {r.direction === 'in' ? t('relations.from') : t('relations.to')}
                    </td>
                    <td>{r.type}</td>
                    <td>
                      <Link
                        {...assetLink(r.asset.path)}
                        className="st-name"
                        onClick={(e) => e.stopPropagation()}
                      >
                        <LevelBadge level={r.asset.level} />{' '}
                        <span className="mono strong">{r.asset.name}</span>
                      </Link>
                    </td>
                    <td>{r.asset.title}</td>
                    <td className="muted">{r.asset.class}</td>
                    <td className="muted">{r.asset.path.split('/').slice(1, -1).join(' / ')}</td>
                    <td className="mono muted">
                      {Object.entries(r.attributes)
                        .map(([k, v]) => `${k}=${typeof v === 'string' ? v : JSON.stringify(v)}`)
                        .join(' ') || '–'}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        );
      }}
    </Async>
  );
}
