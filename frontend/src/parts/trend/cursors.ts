import type uPlot from 'uplot';
import { between, readingAt, type Cursors } from '../../twin/cursor';
import type { Series } from '../../twin/series';
import type { Ink } from './ink';

// The cursors A and B in a plot: the range between them, their lines, and a
// dot where each pen is read off.

/** The tint between the cursors, under grid and pens. */
export function drawRange(u: uPlot, ink: Ink, cursors: Cursors): void {
  const span = between(cursors);
  if (span === null) return;
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const x0 = Math.max(left, u.valToPos(span.from, 'x', true));
  const x1 = Math.min(left + width, u.valToPos(span.to, 'x', true));
  if (x1 <= x0) return;
  ctx.save();
  ctx.fillStyle = ink.hover;
  ctx.fillRect(x0, top, x1 - x0, height);
  ctx.restore();
}

/** The cursors' lines and the dots on them, over everything. */
export function drawCursors(
  u: uPlot,
  ink: Ink,
  cursors: Cursors,
  pens: readonly { series: Series; color: number }[],
  px: number,
): void {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  ctx.save();
  for (const at of [cursors.a, cursors.b]) {
    if (at === null) continue;
    const x = Math.round(u.valToPos(at, 'x', true)) + px / 2;
    if (x < left || x > left + width + px) continue;
    ctx.strokeStyle = ink.ink;
    ctx.lineWidth = px;
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    for (const { series, color } of pens) {
      const v = readingAt(series, at);
      const y = v === null ? NaN : u.valToPos(v, 'y', true);
      if (!(y >= top && y <= top + height)) continue;
      ctx.beginPath();
      ctx.arc(x, y, 3.5 * px, 0, 2 * Math.PI);
      ctx.fillStyle = ink.plot;
      ctx.fill();
      ctx.lineWidth = 1.5 * px;
      ctx.strokeStyle = ink.pens[color % ink.pens.length] ?? ink.ink;
      ctx.stroke();
    }
  }
  ctx.restore();
}

/**
 * Hears clicks that are no drags. The instant is the one under the pointer;
 * `other` says that shift was held.
 */
export function onPick(u: uPlot, pick: (at: number, other: boolean) => void): void {
  let down = -1;
  u.over.addEventListener('mousedown', (e) => {
    down = e.button === 0 ? e.clientX : -1;
  });
  u.over.addEventListener('click', (e) => {
    if (down < 0 || Math.abs(e.clientX - down) > 3) return;
    pick(u.posToVal(e.clientX - u.over.getBoundingClientRect().left, 'x'), e.shiftKey);
  });
}
