import type uPlot from 'uplot';
import type { Backfill, Gap } from '../../twin/series';
import type { Ink } from './ink';

// What stands behind and over the pens: bands, limits, gaps with their cause.

export interface LimitLine {
  name: string;
  value: number;
  kind: 'outer' | 'inner' | 'setpoint';
}

export interface Marks {
  band: { low: number; high: number } | null;
  limits: LimitLine[];
  gaps: (Gap & { label: string })[];
  backfilled: (Backfill & { label: string })[];
  /** Nothing had been read before this instant; that is no gap. */
  before: { to: number; label: string } | null;
  /** Where names of limits begin, px from the axis. */
  inset: number;
}

interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

function box(u: uPlot): Box {
  const { left, top, width, height } = u.bbox;
  return { x: left, y: top, w: width, h: height };
}

/** Field and normal band, under grid and pens. */
export function drawField(u: uPlot, ink: Ink, marks: Marks): void {
  const { ctx } = u;
  const b = box(u);
  ctx.save();
  ctx.fillStyle = ink.plot;
  ctx.fillRect(b.x, b.y, b.w, b.h);
  if (marks.band !== null) {
    const top = Math.max(b.y, u.valToPos(marks.band.high, 'y', true));
    const bottom = Math.min(b.y + b.h, u.valToPos(marks.band.low, 'y', true));
    if (bottom > top) {
      ctx.globalAlpha = 0.45;
      ctx.fillStyle = ink.band;
      ctx.fillRect(b.x, top, b.w, bottom - top);
    }
  }
  ctx.restore();
}

function span(u: uPlot, b: Box, from: number, to: number): [number, number] | null {
  const x0 = Math.max(b.x, u.valToPos(from, 'x', true));
  const x1 = Math.min(b.x + b.w, u.valToPos(to, 'x', true));
  return x1 <= b.x || x0 >= b.x + b.w ? null : [x0, Math.max(x0 + 2, x1)];
}

function lines(ctx: CanvasRenderingContext2D, b: Box, slope: 1 | -1, pitch: number): void {
  ctx.beginPath();
  for (let d = -b.h; d < b.w + b.h; d += pitch) {
    if (slope === 1) {
      ctx.moveTo(b.x + d, b.y + b.h);
      ctx.lineTo(b.x + d + b.h, b.y);
    } else {
      ctx.moveTo(b.x + d, b.y);
      ctx.lineTo(b.x + d + b.h, b.y + b.h);
    }
  }
  ctx.stroke();
}

/** Fills a box with the pattern of a cause: causes are told apart without words. */
export function hatch(ctx: CanvasRenderingContext2D, b: Box, cause: string, ink: Ink, px: number): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(b.x, b.y, b.w, b.h);
  ctx.clip();
  ctx.strokeStyle = ink.hatch;
  ctx.fillStyle = ink.hatch;
  ctx.lineWidth = px;
  switch (cause) {
    case 'dead_letter':
      lines(ctx, b, 1, 8 * px);
      lines(ctx, b, -1, 8 * px);
      break;
    case 'buffer_overrun':
      lines(ctx, b, -1, 6 * px);
      break;
    case 'clock':
      for (let y = 3 * px; y < b.h; y += 6 * px)
        for (let x = 3 * px; x < b.w; x += 6 * px) ctx.fillRect(b.x + x, b.y + y, 1.5 * px, 1.5 * px);
      break;
    case 'quality':
      ctx.beginPath();
      for (let y = 3 * px; y < b.h; y += 6 * px) {
        ctx.moveTo(b.x, b.y + y);
        ctx.lineTo(b.x + b.w, b.y + y);
      }
      ctx.stroke();
      break;
    case 'unknown':
      ctx.setLineDash([3 * px, 4 * px]);
      lines(ctx, b, 1, 10 * px);
      break;
    default:
      lines(ctx, b, 1, 6 * px);
  }
  ctx.restore();
}

function label(
  ctx: CanvasRenderingContext2D,
  text: string,
  at: number,
  b: Box,
  y: number,
  ink: Ink,
  px: number,
  late: boolean,
): void {
  ctx.font = `${10.5 * px}px ${ink.ui}`;
  const icon = late ? 12 * px : 0;
  const w = ctx.measureText(text).width + 8 * px + icon;
  if (w > b.w) return;
  const x = Math.min(b.x + b.w - w - px, Math.max(b.x + px, at - w / 2));
  ctx.fillStyle = ink.surface;
  ctx.strokeStyle = ink.line;
  ctx.lineWidth = px;
  ctx.fillRect(x, y, w, 16 * px);
  ctx.strokeRect(x + px / 2, y + px / 2, w - px, 15 * px);
  ctx.fillStyle = ink.ink2;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  ctx.fillText(text, x + 4 * px + icon, y + 8.5 * px);
  if (!late) return;
  // The sign of what came late: an arrow that turns back.
  const [cx, cy, r] = [x + 8.5 * px, y + 8 * px, 3.4 * px];
  ctx.strokeStyle = ink.ink2;
  ctx.beginPath();
  ctx.arc(cx, cy, r, -2.2, 2.6);
  ctx.moveTo(cx - 4.6 * px, cy - 4.6 * px);
  ctx.lineTo(cx - 2 * px, cy - 2.8 * px);
  ctx.lineTo(cx - 4.4 * px, cy - 0.8 * px);
  ctx.stroke();
}

/** Limits, gaps and late data, over the pens. */
export function drawMarks(u: uPlot, ink: Ink, marks: Marks, px: number): void {
  const { ctx } = u;
  const b = box(u);
  ctx.save();
  ctx.beginPath();
  ctx.rect(b.x, b.y, b.w, b.h);
  ctx.clip();
  const empty = marks.before === null ? null : span(u, b, u.scales['x']?.min ?? 0, marks.before.to);
  if (empty !== null) {
    ctx.globalAlpha = 0.75;
    ctx.fillStyle = ink.canvas;
    ctx.fillRect(empty[0], b.y, empty[1] - empty[0], b.h);
    ctx.globalAlpha = 1;
  }
  for (const f of marks.backfilled) {
    const s = span(u, b, f.from, f.to);
    if (s === null) continue;
    ctx.fillStyle = ink.hover;
    ctx.fillRect(s[0], b.y, s[1] - s[0], b.h);
    ctx.strokeStyle = ink.strong;
    ctx.lineWidth = px;
    ctx.setLineDash([px, 2 * px]);
    ctx.beginPath();
    for (const x of s) {
      ctx.moveTo(x, b.y);
      ctx.lineTo(x, b.y + b.h);
    }
    ctx.stroke();
    ctx.setLineDash([]);
  }
  for (const g of marks.gaps) {
    const s = span(u, b, g.from, g.to);
    if (s === null) continue;
    hatch(ctx, { x: s[0], y: b.y, w: s[1] - s[0], h: b.h }, g.cause, ink, px);
    ctx.strokeStyle = ink.strong;
    ctx.lineWidth = px;
    ctx.beginPath();
    for (const x of s) {
      ctx.moveTo(x, b.y);
      ctx.lineTo(x, b.y + b.h);
    }
    ctx.stroke();
  }
  let named = -Infinity;
  for (const l of [...marks.limits].sort((p, q) => q.value - p.value)) {
    const y = u.valToPos(l.value, 'y', true);
    if (y < b.y - 1 || y > b.y + b.h + 1) continue;
    ctx.strokeStyle = l.kind === 'setpoint' ? ink.ink : ink.strong;
    ctx.lineWidth = px;
    ctx.setLineDash((l.kind === 'outer' ? [4, 3] : l.kind === 'inner' ? [2, 3] : [1, 3]).map((d) => d * px));
    ctx.beginPath();
    ctx.moveTo(b.x, Math.round(y) + 0.5);
    ctx.lineTo(b.x + b.w, Math.round(y) + 0.5);
    ctx.stroke();
    ctx.setLineDash([]);
    if (l.name === '') continue;
    ctx.font = `500 ${10 * px}px ${ink.ui}`;
    ctx.fillStyle = ink.ink2;
    ctx.textAlign = 'left';
    const under = y - 12 * px < b.y;
    const at = under ? y + 11 * px : y - 3 * px;
    if (at - named < 11 * px) continue; // names over each other cannot be read
    named = at;
    ctx.textBaseline = 'alphabetic';
    ctx.fillText(l.name, b.x + marks.inset * px, at);
  }
  const busy: [number, number][] = [];
  const place = (text: string, from: number, to: number, y: number, late: boolean) => {
    const s = span(u, b, from, to);
    if (s === null) return;
    const mid = (s[0] + s[1]) / 2;
    if (busy.some(([c, at]) => at === y && Math.abs(c - mid) < 150 * px)) return; // a crowd of labels says nothing
    busy.push([mid, y]);
    label(ctx, text, mid, b, y, ink, px, late);
  };
  if (empty !== null && marks.before !== null) {
    label(ctx, marks.before.label, (empty[0] + empty[1]) / 2, b, b.y + b.h - 20 * px, ink, px, false);
  }
  for (const f of marks.backfilled) place(f.label, f.from, f.to, b.y + 3 * px, true);
  for (const g of marks.gaps) place(g.label, g.from, g.to, b.y + b.h - 20 * px, false);
  ctx.restore();
}
