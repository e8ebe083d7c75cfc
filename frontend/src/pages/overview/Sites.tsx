import { Link } from '@tanstack/react-router';
import type { HistoryRead } from '../../api/queries';
import type { SiteRow } from '../../api/types';
import { LevelBadge, Section } from '../../parts/Controls';
import { Spark } from '../../parts/Spark';
import { Empty } from '../../parts/States';
import { cx } from '../../parts/cx';
import { assetLink, useRange } from '../../shell/url';
import { t } from '../../shell/words';
import { formatNumber } from '../../twin/format';
import { presetLabel, presetOf } from '../../twin/range';
import { seriesOf, type SignalName } from './signaltags';

interface Column {
  name: SignalName;
  head: string;
  decimals: number;
  /** Says whether the value deserves weight. */
  off: (v: number) => boolean;
  normal?: { low: number; high: number };
}

function columns(): Column[] {
  return [
    {
      name: 'connectivity',
      head: t('sites.connectivity'),
      decimals: 1,
      off: (v) => v < 99,
      normal: { low: 99, high: 100 },
    },
    { name: 'throughput', head: t('sites.throughput'), decimals: 1, off: () => false },
    { name: 'errors', head: t('sites.errors'), decimals: 2, off: (v) => v >= 0.05 },
    {
      name: 'freshness',
      head: t('sites.freshness'),
      decimals: 1,
      off: (v) => v < 99,
      normal: { low: 99, high: 100 },
    },
    { name: 'buffered', head: t('sites.buffered'), decimals: 0, off: (v) => v >= 500 },
  ];
}

export function Sites({ sites, history }: { sites: SiteRow[]; history: HistoryRead | undefined }) {
  const { range } = useRange();
  const preset = presetOf(range);
  const note =
    t('sites.note', { count: sites.length }) +
    (preset === null ? '' : `, ${t('range.last', { range: presetLabel(preset) })}`);
  return (
    <>
      <Section title={t('sites.title')} note={note}>
        <small>{t('sites.line')}</small>
      </Section>
      {sites.length === 0 ? (
        <Empty title={t('sites.empty')} text={t('sites.empty.text')} />
      ) : (
        <table className="table st-table">
          <thead>
            <tr>
              <th>{t('sites.site')}</th>
              <th className="num">{t('sites.devices')}</th>
              {columns().map((c) => (
                <th key={c.name} colSpan={2} className="num">
                  {c.head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sites.map((s) => (
              <Row key={s.id} site={s} history={history} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Row({ site, history }: { site: SiteRow; history: HistoryRead | undefined }) {
  return (
    <tr>
      <td>
        <Link {...assetLink(site.path)} className="st-name">
          <LevelBadge level="site" /> {site.name}
          <span className="muted ellipsis">{site.title}</span>
        </Link>
      </td>
      <td className="num">{formatNumber(site.devices)}</td>
      {columns().map((c) => {
        const v = site[c.name];
        const s = seriesOf(history, site.id, c.name);
        const off = v !== null && c.off(v);
        return [
          <td key={`${c.name} spark`} className="st-spark">
            {s !== undefined && history !== undefined && (
              <Spark
                ts={s.ts}
                v={s.v}
                from={history.from}
                to={history.to}
                width={38}
                height={18}
                normal={c.normal}
                strong={off}
              />
            )}
          </td>,
          <td key={c.name} className={cx('num', off && 'strong', (v === null || v === 0) && 'muted')}>
            {v === null ? '–' : v === 0 && c.decimals === 0 ? '0' : formatNumber(v, c.decimals)}
          </td>,
        ];
      })}
    </tr>
  );
}
