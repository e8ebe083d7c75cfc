import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { classesQuery } from '../../api/queries';
import type { Asset, Relation, RelationList, TwinDevice } from '../../api/types';
import { Section } from '../../parts/Controls';
import { EquipmentSymbol } from '../../parts/Symbol';
import { cx } from '../../parts/cx';
import { assetLink, type AssetSearch } from '../../shell/url';
import { t } from '../../shell/words';
import { layoutStrip } from '../../twin/strip';

interface Props {
  asset: Asset;
  symbol: string;
  query: { data: RelationList | undefined };
  device: TwinDevice | null;
}

/** What the asset gets from whom and gives to whom, one hop. */
export function RelationsStrip({ asset, symbol, query, device }: Props) {
  const classes = useQuery(classesQuery).data?.items;
  const items = query.data?.items ?? [];
  const { left, right, below, other, counts } = layoutStrip(items);
  const listed = other.filter((r) => device === null || r.type !== 'hosted_by');
  const symbolOf = (name: string) => classes?.find((c) => c.name === name)?.symbol ?? '';
  return (
    <section className="rs" aria-label={t('tab.relations')}>
      <Section title={t('tab.relations')} note={t('relations.hop', counts)}>
        <Link
          to="."
          search={(old: AssetSearch): AssetSearch => ({ ...old, tab: 'relations' })}
          className="link"
        >
          {t('relations.table')}
        </Link>
      </Section>
      {items.length === 0 ? (
        <p className="rs-none">{query.data === undefined ? '' : t('relations.none')}</p>
      ) : (
        <div className="rs-row">
          <div className="rs-col">
            {left.shown.map((r, i) => (
              <div key={`${r.type} ${r.asset.id}`} className="rs-line">
                <Node relation={r} symbol={symbolOf(r.asset.class)} />
                <Edge type={r.type} side="in" bent={i > 0} />
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
            {right.shown.map((r, i) => (
              <div key={`${r.type} ${r.asset.id}`} className="rs-line">
                <Edge type={r.type} side="out" bent={i > 0} />
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
            {listed.slice(0, device === null ? 2 : 1).map((r) => (
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

interface EdgeProps {
  type: string;
  side: 'in' | 'out';
  /** Rows below the first bend to, or off, the first. */
  bent: boolean;
}

/** feeds is a line with an arrow, drives a double line, measures dashed. */
function Edge({ type, side, bent }: EdgeProps) {
  const end = !bent ? 'M0 18H10' : side === 'in' ? 'M0 18V-14H10' : 'M0 -24V18H10';
  const tip = bent && side === 'in' ? -14 : 18;
  const straight = !(bent && side === 'out');
  return (
    <span className={cx('rs-edge', type === 'drives' && 'rs-drives', type === 'measures' && 'rs-measures')}>
      {straight && <small>{type.replace(/_/g, ' ')}</small>}
      <svg aria-hidden>
        {straight && <line className="rs-wire" x1="0" x2="100%" y1="18" y2="18" />}
        <svg x="100%" overflow="visible">
          <path className="rs-wire" d={end} />
          <path className="rs-core" d={end} />
          <path className="rs-head" d={`M8 ${tip - 4}L15 ${tip}L8 ${tip + 4}Z`} />
        </svg>
        {straight && <line className="rs-core" x1="0" x2="100%" y1="18" y2="18" />}
      </svg>
    </span>
  );
}

function More({ n }: { n: number }) {
  return (
    <Link
      to="."
      search={(old: AssetSearch): AssetSearch => ({ ...old, tab: 'relations' })}
      className="link rs-more"
    >
      {t('relations.more', { count: n })}
    </Link>
  );
}
