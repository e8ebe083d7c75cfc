import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useRef } from 'react';
import type { Asset } from '../../api/types';
import { Skeleton } from '../../parts/States';
import { UnitText, ValueText } from '../../parts/Value';
import type { StackedPlot } from '../../parts/trend/TrendStack';
import { marksOf, rangeWithLimits } from '../../parts/trend/marksof';
import { useClock } from '../../shell/stores';
import { useRange, useSpan, type AssetSearch } from '../../shell/url';
import { t } from '../../shell/words';
import { formatShort } from '../../twin/format';
import type { Readings } from '../../twin/live';
import { condition, isAnalog, numeric, type Tag } from '../../twin/model';
import { fixedRange } from '../../twin/range';
import type { Series } from '../../twin/series';
import { useElementHeight } from './useElementHeight';
import { useHistory } from './useHistory';
import { telling } from './telling';

const TrendStack = lazy(() =>
  import('../../parts/trend/TrendStack').then((m) => ({ default: m.TrendStack })),
);

/** The three tags that say most, over the chosen range. */
export function TrendPane({ asset, readings, zone }: { asset: Asset; readings: Readings; zone: string }) {
  const { set } = useRange();
  const span = useSpan();
  const now = useClock((s) => s.now);
  // The choice is made once per visit: plots that change places cannot be read.
  const chosen = useRef<string[] | null>(null);
  const analog = asset.tags.filter(isAnalog);
  if (chosen.current === null && Object.keys(readings).length > 0)
    chosen.current = telling(analog, readings, 3);
  const tags = (chosen.current ?? []).flatMap((name) => analog.find((x) => x.name === name) ?? []);
  const { series, pending } = useHistory(
    asset.id,
    tags.map((x) => x.name),
    readings,
    700,
  );
  const host = useRef<HTMLDivElement>(null);
  const height = useElementHeight(host, 500);
  const each = Math.max(70, Math.floor((height - 24 - tags.length * 38) / Math.max(1, tags.length)));
  return (
    <section className="tp" ref={host} aria-label={t('tab.trend')}>
      {tags.length === 0 && pending && <Skeleton rows={8} />}
      {tags.map((tag, i) => {
        const s = series.get(tag.name);
        const reading = readings[tag.name];
        return (
          <div key={tag.name} className="tp-one">
            <header className="tp-head">
              <i className="tp-pen" />
              <Link
                to="."
                search={(old: AssetSearch): AssetSearch => ({ ...old, tab: 'trend', pens: tag.name })}
                className="mono strong"
              >
                {tag.name}
              </Link>
              <small>{describe(tag)}</small>
              <span className="tp-now">
                <ValueText tag={tag} reading={reading} condition={condition(reading, tag.interval_ms, now)} />
                <UnitText unit={tag.unit} />
              </span>
            </header>
            <Suspense fallback={<div style={{ height: each }} />}>
              <TrendStack
                plots={[plotOf(tag, s, asset.id, span, zone, readings)]}
                height={each}
                syncKey={`pane ${asset.id}`}
                lastAxis={i === tags.length - 1}
                onZoom={(a, b) => set(fixedRange(a, b))}
              />
            </Suspense>
          </div>
        );
      })}
    </section>
  );
}

function describe(tag: Tag): string {
  const { low, high } = tag.normal;
  const parts: string[] = [];
  if (low != null && high != null)
    parts.push(t('trend.normal', { low: formatShort(low), high: formatShort(high) }));
  const limit = tag.limits.hihi ?? tag.limits.hi;
  if (limit != null) parts.push(`${tag.limits.hihi != null ? 'HIHI' : 'HI'} ${formatShort(limit)}`);
  return parts.join(', ');
}

const empty = (asset: string, tag: Tag): Series => ({
  asset,
  tag: tag.name,
  unit: tag.unit,
  decimals: tag.decimals,
  type: tag.type,
  resolution: 'raw',
  ts: [],
  v: [],
  q: [],
  gaps: [],
  backfilled: [],
});

function plotOf(
  tag: Tag,
  s: Series | undefined,
  asset: string,
  span: { from: number; to: number },
  zone: string,
  readings: Readings,
): StackedPlot {
  const series = s ?? empty(asset, tag);
  const setpoint = tag.setpoint === undefined ? null : numeric(readings[tag.setpoint]?.v ?? null);
  return {
    key: tag.name,
    summary: t('trend.summary', { tag: tag.name, count: series.ts.length }),
    pens: [{ series, color: 0, dash: false }],
    marks: marksOf(tag, series, zone, setpoint),
    from: span.from,
    to: span.to,
    y: rangeWithLimits(tag, series.v),
    decimals: tag.decimals,
    zone,
    unit: tag.unit,
    states: null,
  };
}
