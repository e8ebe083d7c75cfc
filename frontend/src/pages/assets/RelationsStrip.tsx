import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { classesQuery } from '../../api/queries';
import type { Asset, Page, Relation, TwinDevice } from '../../api/types';
import { Section } from '../../parts/Controls';
import { EquipmentSymbol } from '../../parts/Symbol';
import { cx } from '../../parts/cx';
import { assetLink, type AssetSearch } from '../../shell/url';
import { t } from '../../shell/words';
import { layoutStrip } from '../../twin/strip';

interface Props {
  asset: Asset;
  symbol: string;
  query: { data: Page<Relation> | undefined };
  device: TwinDevice | null;
}

/** What the asset gets from whom and gives to whom, one hop. */
export function RelationsStrip({ asset, symbol, query, device }: Props) {
  const classes = useQuery(classesQuery).data?.items;
  const items = query.data?.items ?? [];
  const { left, right, below, other, counts } = layoutStrip(items);
  const symbolOf = (name: string) => classes?.find((c) => c.name === name)?.symbol ?? '';
  return (
    <section className="rs" aria-label={t('tab.relations')}>
      <Section title={t('tab.relations')} note={t('relations.hop', counts)}>
        <Link to="." search={(old: AssetSearch): AssetSearch => ({ ...old, tab: 'relations' })} className="link">
          {t('relations.table')}
        </Link>
      </Section>
      {items.length === 0 ? (
        <p className="rs-none">{query.data === undefined ? '' : t('relations.none')}</p>
      ) : (
        <div className="rs-row">
          <div className="rs-col">
            {left.shown.map((r) => (
              <div key={`${r.type} ${r.asset.id}`} className="rs-line">
                <Node relation={r} symbol={symbolOf(r.asset.class)} />
                <Edge type={r.type} />
              </div>
            ))}
            {left.more > 0 && <More n={left.more} />}
          </div>
          <div className="rs-mid">
            <div className="rs-node rs-self">
              <EquipmentSymbol name={symbol} size={20} />
              <span>
                <b className="mono">{asset.name}</b>
                <small>{t('relations.self')}</small>
              </span>
            </div>
            {below > 0 && <div className="rs-measure">{t('relations.measure', { count: below })}</div>}
          </div>
          <div className="rs-col">
            {right.shown.map((r) => (
              <div key={`${r.type} ${r.asset.id}`} className="rs-line">
                <Edge type={r.type} />
                <Node relation={r} symbol={symbolOf(r.asset.class)} />
              </div>
            ))}
            {right.more > 0 && <More n={right.more} />}
          </div>
          <dl className="rs-other">
            {device !== null && (
              <div>
                <dt>{t('relations.hosted')}</dt>
                <dd className="mono">
                  {device.gateway === undefined || device.gateway === '' ? device.device_id : device.gateway}
                </dd>
              </div>
            )}
            {other.slice(0, 2).map((r) => (
              <div key={`${r.type} ${r.asset.id}`}>
                <dt>{r.type.replace(/_/g, ' ')}</dt>
                <dd className="mono">
                  <Link {...assetLink(r.asset.path)}>{r.asset.name}</Link>
                </dd>
              </div>
            ))}
          </dl>
        </div>
      )}
    </section>
  );
}

function Node({ relation, symbol }: { relation: Relation; symbol: string }) {
  const { asset } = relation;
  return (
    <Link {...assetLink(asset.path)} className="rs-node">
      <EquipmentSymbol name={symbol} size={20} />
      <span>
        <b className="mono">{asset.name}</b>
        <small className="ellipsis">{asset.title}</small>
      </span>
    </Link>
  );
}

/** feeds is a line with an arrow, drives a double line, measures dashed. */
function Edge({ type }: { type: string }) {
  return (
    <span className={cx('rs-edge', type === 'drives' && 'rs-drives', type === 'measures' && 'rs-measures')}>
      <small>{type.replace(/_/g, ' ')}</small>
      <svg width="9" height="8" viewBox="0 0 9 8" aria-hidden>
        <path d="M0 0L9 4L0 8Z" fill="currentColor" />
      </svg>
    </span>
  );
}

function More({ n }: { n: number }) {
  return (
    <Link to="." search={(old: AssetSearch): AssetSearch => ({ ...old, tab: 'relations' })} className="link rs-more">
      {t('relations.more', { count: n })}
    </Link>
  );
}
