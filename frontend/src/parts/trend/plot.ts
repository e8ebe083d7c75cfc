import uPlot from 'uplot';
import type { Cursors } from '../../twin/cursor';
import { formatNumber } from '../../twin/format';
import { timeTicks } from '../../twin/range';
import { align, splitLines, type Series } from '../../twin/series';
import { formatMinute, formatTime, zoneOffset } from '../../twin/time';
import { drawCursors, drawRange, onPick } from './cursors';
import type { Ink } from './ink';
import { drawField, drawMarks, type Marks } from './marks';

// One plot: the pens of one unit over a shared time axis.

export interface PlotPen {
  series: Series;
  color: number;
  dash: boolean;
}

export interface PlotSpec {
  pens: PlotPen[];
  marks: Marks;
  from: number;
  to: number;
  /** The y axis, or null to fit what is drawn. */
  y: [number, number] | null;
  decimals: number;
  zone: string;
  unit: string;
  /** Words of a discrete tag, drawn as steps. */
  states: string[] | null;
  cursors?: Cursors;
  /** Earlier readings of the pens, moved onto this view and drawn behind them. */
  ghosts?: Series[];
  /** When the ghosts were. */
  ghostLabel?: string;
}

export interface PlotOptions {
  width: number;
  height: number;
  timeAxis: boolean;
  ink: Ink;
  syncKey: string;
  axisWidth: number;
  onZoom: ((from: number, to: number) => void) | null;
  onCursor: ((t: number | null) => void) | null;
  /** A click that is no drag; `other` with shift held. */
  onPick: ((at: number, other: boolean) => void) | null;
}

/** Room right of the field, px. */
export const PAD_RIGHT = 8;

function dayLabel(ms: number, zone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone: zone, day: 'numeric', month: 'short' }).format(ms);
}

function timeLabel(ms: number, zone: string, step: number, width: number): string {
  if (width > 3 * 86_400_000) return dayLabel(ms, zone);
  const hm = formatMinute(ms, zone);
  if (hm === '00:00') return dayLabel(ms, zone);
  return step < 60_000 ? formatTime(ms, zone) : hm;
}

function niceRange(spec: PlotSpec): [number, number] {
  if (spec.states !== null) return [-0.4, Math.max(1, spec.states.length - 1) + 0.4];
  if (spec.y !== null) return spec.y;
  let lo = Infinity;
  let hi = -Infinity;
  for (const s of [...spec.pens.map((p) => p.series), ...(spec.ghosts ?? [])]) {
    s.v.forEach((v, i) => {
      const t = s.ts[i] ?? 0;
      if (v === null || t < spec.from || t > spec.to) return;
      lo = Math.min(lo, v);
      hi = Math.max(hi, v);
    });
  }
  if (lo > hi) return [0, 1];
  const pad = hi > lo ? (hi - lo) * 0.08 : Math.max(Math.abs(hi) * 0.02, 0.5);
  return [lo - pad, hi + pad];
}

/** Ghosts first, so that the pens lie over them. */
function columns(spec: PlotSpec): uPlot.AlignedData {
  const all = [...(spec.ghosts ?? []), ...spec.pens.map((p) => p.series)];
  return align(all.map(splitLines));
}

/** A plot in an element, fed with a spec whenever something changed. */
export class Plot {
  private readonly u: uPlot;
  private spec: PlotSpec;

  constructor(el: HTMLElement, spec: PlotSpec, options: PlotOptions) {
    this.spec = spec;
    this.u = new uPlot(this.options(options), columns(spec), el);
    if (options.onPick !== null) onPick(this.u, options.onPick);
  }

  /** Draws a changed spec; the pens must be the same as before. */
  update(spec: PlotSpec): void {
    this.spec = spec;
    this.u.batch(() => {
      this.u.setData(columns(spec), false);
      this.u.setScale('x', { min: spec.from, max: spec.to });
    });
  }

  resize(width: number, height: number): void {
    if (width !== this.u.width || height !== this.u.height) this.u.setSize({ width, height });
  }

  destroy(): void {
    this.u.destroy();
  }

  private series(ink: Ink): uPlot.Series[] {
    const stepped = this.spec.states !== null ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
    const ghosts = (this.spec.ghosts ?? []).flatMap((): uPlot.Series[] => {
      const base = { stroke: ink.ghost, alpha: 0.85, width: 1.25, points: { show: false }, spanGaps: false };
      const line = stepped === undefined ? base : { ...base, paths: stepped };
      return [line, { ...line, dash: [1.5, 3], cap: 'butt' }, line];
    });
    const pens = this.spec.pens.flatMap(({ series, color, dash }): uPlot.Series[] => {
      const stroke = ink.pens[color % ink.pens.length] ?? ink.ink;
      const step =
        stepped ??
        (series.type === 'bool' || series.type === 'enum' ? uPlot.paths.stepped?.({ align: 1 }) : undefined);
      const base: uPlot.Series = {
        stroke,
        points: { show: sparse, filter: alone, size: 4, fill: stroke },
        spanGaps: false,
        ...(step === undefined ? {} : { paths: step }),
      };
      return [
        {
          ...base,
          width: 1.75,
          ...(dash ? { dash: [6, 3] } : {}),
        },
        { ...base, width: 1.5, dash: [1.5, 3], cap: 'butt' },
        { ...base, width: 1, ...(dash ? { dash: [6, 3] } : {}) },
      ];
    });
    return [...ghosts, ...pens];
  }

  private options(o: PlotOptions): uPlot.Options {
    const { ink } = o;
    const px = devicePixelRatio;
    const font = `10.5px ${ink.ui}`;
    const axis = { stroke: ink.muted, font, ticks: { show: false }, grid: { stroke: ink.soft, width: 1 } };
    return {
      width: o.width,
      height: o.height,
      ms: 1,
      pxAlign: 1,
      padding: [4, PAD_RIGHT, o.timeAxis ? 0 : 4, 0],
      legend: { show: false },
      cursor: {
        sync: { key: o.syncKey, setSeries: false },
        drag: { x: o.onZoom !== null, y: false, setScale: false },
        points: { show: false },
        y: false,
      },
      series: [{}, ...this.series(ink)],
      scales: {
        x: { time: false, range: () => [this.spec.from, this.spec.to] },
        y: { range: () => niceRange(this.spec) },
      },
      axes: [
        {
          ...axis,
          size: o.timeAxis ? 20 : 0,
          gap: 5,
          splits: (u, _i, min, max) =>
            timeTicks(
              min,
              max,
              Math.max(2, Math.floor(u.bbox.width / px / 64)),
              zoneOffset(min, this.spec.zone),
            ),
          values: (u, splits) => {
            const step = (splits[1] ?? 0) - (splits[0] ?? 0);
            return o.timeAxis
              ? splits.map((t) =>
                  u.valToPos(t, 'x') > u.bbox.width / px - 16
                    ? ''
                    : timeLabel(t, this.spec.zone, step, this.spec.to - this.spec.from),
                )
              : splits.map(() => '');
          },
        },
        {
          ...axis,
          size: o.axisWidth,
          gap: 6,
          space: 30,
          ...(this.spec.states === null ? {} : { splits: () => (this.spec.states ?? []).map((_s, i) => i) }),
          values: (_u, splits) => {
            const { states } = this.spec;
            if (states !== null) return splits.map((v) => states[v] ?? '');
            const step = Math.abs((splits[1] ?? 1) - (splits[0] ?? 0));
            const decimals = step >= 1 ? 0 : Math.min(4, Math.ceil(-Math.log10(step)));
            return splits.map((v) => formatNumber(v, decimals));
          },
        },
      ],
      hooks: {
        drawClear: [
          (u) => {
            drawField(u, ink, this.spec.marks);
            if (this.spec.cursors !== undefined) drawRange(u, ink, this.spec.cursors);
          },
        ],
        draw: [
          (u) => {
            drawMarks(u, ink, this.spec.marks, px);
            drawFrame(u, ink, px);
            const { cursors, pens } = this.spec;
            if (cursors !== undefined) drawCursors(u, ink, cursors, pens, px);
          },
        ],
        setSelect: [
          (u) => {
            if (o.onZoom === null || u.select.width < 4) return;
            const from = u.posToVal(u.select.left, 'x');
            const to = u.posToVal(u.select.left + u.select.width, 'x');
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            o.onZoom(from, to);
          },
        ],
        setCursor: [
          (u) => {
            const left = u.cursor.left ?? -1;
            o.onCursor?.(left < 0 ? null : u.posToVal(left, 'x'));
          },
        ],
      },
    };
  }
}

/** Says whether there are so few readings of a pen, below one in 20 px, that each shows as a dot. */
function sparse(u: uPlot, pen: number): boolean {
  const [i0, i1] = u.series[0]?.idxs ?? [0, 0];
  const column = u.data[pen] ?? [];
  const many = u.bbox.width / devicePixelRatio / 20;
  let n = 0;
  for (let i = i0; i <= i1 && n < many; i++) if (column[i] != null) n++;
  return n > 0 && n < many;
}

/** Readings with a break on both sides: no line reaches them, so they show as dots at any density. */
function alone(u: uPlot, pen: number, show: boolean): number[] | null {
  if (show) return null;
  const [i0, i1] = u.series[0]?.idxs ?? [0, 0];
  const column = u.data[pen] ?? [];
  const out: number[] = [];
  let [candidate, broken] = [-1, true];
  for (let i = i0; i <= i1; i++) {
    const v = column[i];
    if (v === undefined) continue;
    if (v === null && candidate >= 0) out.push(candidate);
    candidate = v !== null && broken ? i : -1;
    broken = v === null;
  }
  return out.length === 0 ? null : out;
}

/** Left and bottom axis line. */
function drawFrame(u: uPlot, ink: Ink, px: number): void {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  ctx.save();
  ctx.globalAlpha = 0.7;
  ctx.strokeStyle = ink.strong;
  ctx.lineWidth = px;
  ctx.beginPath();
  ctx.moveTo(left + px / 2, top);
  ctx.lineTo(left + px / 2, top + height - px / 2);
  ctx.lineTo(left + width, top + height - px / 2);
  ctx.stroke();
  ctx.restore();
}
