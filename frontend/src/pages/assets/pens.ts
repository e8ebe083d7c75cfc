import type { StackedPlot } from '../../parts/trend/TrendStack';
import { marksOf, rangeWithLimits } from '../../parts/trend/marksof';
import { t } from '../../shell/words';
import type { Cursors } from '../../twin/cursor';
import type { Readings } from '../../twin/live';
import { isAnalog, numeric, stateWords, type Tag } from '../../twin/model';
import type { Series, Span } from '../../twin/series';
import type { Ghosts } from './useGhosts';

// Pens become plots: one per unit, discrete tags each in a lane of their own.

export interface Pen {
  tag: Tag;
  color: number;
  /** The second round of six colours is dashed. */
  dash: boolean;
}

export type Fit = 'limits' | 'data';

interface Group {
  asset: string;
  pens: readonly Pen[];
  series: ReadonlyMap<string, Series>;
  span: { from: number; to: number };
  zone: string;
  fit: Fit;
  readings: Readings;
  cursors: Cursors;
  ghosts: Ghosts | null;
}

function none(asset: string, tag: Tag): Series {
  const { name, unit, decimals, type } = tag;
  return {
    asset,
    tag: name,
    unit,
    decimals,
    type,
    resolution: 'raw',
    ts: [],
    v: [],
    q: [],
    gaps: [],
    backfilled: [],
  };
}

export function groupPens({
  asset,
  pens,
  series,
  span,
  zone,
  fit,
  readings,
  cursors,
  ghosts,
}: Group): StackedPlot[] {
  const groups = new Map<string, Pen[]>();
  for (const pen of pens) {
    const key = isAnalog(pen.tag) ? `unit ${pen.tag.unit}` : `tag ${pen.tag.name}`;
    groups.set(key, [...(groups.get(key) ?? []), pen]);
  }
  return [...groups].flatMap(([key, group], place) => {
    const first = group[0];
    if (first === undefined) return [];
    const discrete = !isAnalog(first.tag);
    const drawn = group.map((p) => ({ ...p, series: series.get(p.tag.name) ?? none(asset, p.tag) }));
    const all = drawn.map((p) => marksOf(p.tag, p.series, zone, setpointOf(p.tag, readings)));
    const before = group.flatMap((p) => ghosts?.series.get(p.tag.name) ?? []);
    const only = all.length === 1 ? all[0] : undefined;
    const plot: StackedPlot = {
      key,
      summary: drawn
        .map((p) => t('trend.summary', { tag: p.tag.name, count: p.series.ts.length }))
        .join('. '),
      pens: drawn.map((p) => ({ series: p.series, color: p.color, dash: p.dash })),
      marks: {
        // The band and limits of several tags over each other say nothing.
        band: only?.band ?? null,
        limits: only?.limits ?? [],
        gaps: once(all.flatMap((m) => m.gaps)),
        backfilled: once(all.flatMap((m) => m.backfilled)),
        // Veiled only where no pen has anything.
        before: all.every((m) => m.before !== null) ? (all[0]?.before ?? null) : null,
        inset: 56,
      },
      from: span.from,
      to: span.to,
      y: fit === 'limits' && !discrete ? widest(drawn, before) : null,
      decimals: first.tag.decimals,
      zone,
      unit: first.tag.unit,
      states: discrete ? stateWords(first.tag) : null,
      cursors,
    };
    if (discrete) plot.height = 64;
    if (ghosts !== null) {
      plot.ghosts = before;
      plot.summary += `, ${t('vs.summary', { when: ghosts.label })}`;
      if (place === 0) plot.ghostLabel = ghosts.label;
    }
    return [plot];
  });
}

function setpointOf(tag: Tag, readings: Readings): number | null {
  return tag.setpoint === undefined ? null : numeric(readings[tag.setpoint]?.v ?? null);
}

/** Pens of one device have their gaps in common; drawn twice, a hatch would be another hatch. */
function once<T extends Span & { label: string }>(spans: readonly T[]): T[] {
  return [...new Map(spans.map((s) => [`${s.from} ${s.to} ${s.label}`, s])).values()];
}

function widest(
  drawn: readonly { tag: Tag; series: Series }[],
  before: readonly Series[],
): [number, number] | null {
  const one = drawn[0];
  if (drawn.length !== 1 || one === undefined) return null;
  return rangeWithLimits(one.tag, one.series.v.concat(...before.map((s) => s.v)));
}
