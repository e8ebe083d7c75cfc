import type { HistoryRead } from '../../api/queries';
import type { Overview } from '../../api/types';

type Share = Overview['signals']['connectivity'];
import { Spark } from '../../parts/Spark';
import { cx } from '../../parts/cx';
import { t } from '../../shell/words';
import { formatNumber, formatShort } from '../../twin/format';
import type { Band } from '../../twin/model';
import { seriesOf, type SignalName } from './signaltags';

interface Tile {
  name: SignalName;
  label: string;
  signal: { v: number | null; unit: string };
  decimals: number;
  /** What it is held against. */
  aim: string;
  below: string;
  normal: Band | undefined;
  target: 'low' | 'high' | undefined;
  off: boolean;
}

function tiles(o: Overview): Tile[] {
  const { connectivity: c, throughput: h, errors: e, freshness: f } = o.signals;
  const share = (s: Share, word: 'overview.devices' | 'overview.tags') =>
    t(word, { n: formatNumber(s.n), of: formatNumber(s.of) });
  const kept = (
    name: SignalName,
    label: string,
    s: Share,
    word: 'overview.devices' | 'overview.tags',
  ): Tile => ({
    name,
    label,
    signal: s,
    decimals: 1,
    aim: t('overview.target', { v: formatNumber(s.target, 1) }),
    below: share(s, word),
    normal: { low: s.target, high: 100 },
    target: 'low',
    off: s.v !== null && s.v < s.target,
  });
  return [
    kept('connectivity', t('signal.connectivity'), c, 'overview.devices'),
    {
      name: 'throughput',
      label: t('signal.throughput'),
      signal: h,
      decimals: h.v !== null && h.v < 100 ? 1 : 0,
      aim: '',
      below: t('overview.taken'),
      normal: undefined,
      target: undefined,
      off: false,
    },
    {
      name: 'errors',
      label: t('signal.errors'),
      signal: e,
      decimals: 2,
      aim: t('overview.limit', { v: formatShort(e.limit) }),
      below: t('overview.dead', { count: e.n }),
      normal: { low: 0, high: e.limit },
      target: 'high',
      off: e.v !== null && e.v >= e.limit,
    },
    kept('freshness', t('signal.freshness'), f, 'overview.tags'),
  ];
}

/** The four signals of a living plant, each against its normal. */
export function Signals({ overview, history }: { overview: Overview; history: HistoryRead | undefined }) {
  return (
    <div className="sg">
      {tiles(overview).map((tile) => (
        <section key={tile.name} className={cx('sg-tile', tile.off && 'sg-off')} aria-label={tile.label}>
          <header>
            <h2>{tile.label}</h2>
            <span>{tile.aim}</span>
          </header>
          <p className="sg-number">
            <b>{tile.signal.v === null ? '–' : formatNumber(tile.signal.v, tile.decimals)}</b>
            <small>{tile.signal.unit}</small>
          </p>
          <p className="sg-below">{tile.below}</p>
          <div className="sg-spark">
            <TileSpark tile={tile} overview={overview} history={history} />
          </div>
        </section>
      ))}
    </div>
  );
}

function TileSpark({
  tile,
  overview,
  history,
}: {
  tile: Tile;
  overview: Overview;
  history: HistoryRead | undefined;
}) {
  const s = seriesOf(history, overview.enterprise.id, tile.name);
  if (history === undefined || s === undefined) return null;
  const normal = tile.normal ?? usual(s.v);
  return (
    <Spark
      ts={s.ts}
      v={s.v}
      from={history.from}
      to={history.to}
      width={166}
      height={72}
      normal={normal}
      full
      target={tile.target}
    />
  );
}

/** Without a stated normal, the middle of what it has been: mean ± 3 σ, at least 5 %. */
function usual(v: readonly (number | null)[]): Band | undefined {
  const known = v.filter((x): x is number => x !== null);
  if (known.length < 2) return undefined;
  const mean = known.reduce((a, b) => a + b, 0) / known.length;
  const sigma = Math.sqrt(known.reduce((a, b) => a + (b - mean) ** 2, 0) / known.length);
  const half = Math.max(3 * sigma, Math.abs(mean) * 0.05, 0.1);
  return { low: mean - half, high: mean + half };
}
