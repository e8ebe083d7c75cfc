import type { Band } from './model';

// Small lines without axes, scaled so that a stray line shows without reading.

export interface Spark {
  /** SVG path of the line. */
  path: string;
  end: { x: number; y: number } | null;
  /** Top and bottom of the normal band in the drawing, if there is one. */
  band: [number, number] | null;
}

/**
 * Draws a spark of width × height. With a normal band the band is the middle
 * half of the height and the line is held inside the drawing; without one the
 * line fills the middle 80 %.
 */
export function layoutSpark(
  ts: readonly number[],
  v: readonly (number | null)[],
  span: { from: number; to: number },
  size: { width: number; height: number },
  normal?: Band,
): Spark {
  const { width, height } = size;
  const known = v.filter((x): x is number => x !== null);
  let lo: number;
  let hi: number;
  let band: [number, number] | null = null;
  if (normal?.low != null && normal.high != null && normal.high > normal.low) {
    const half = (normal.high - normal.low) / 2;
    [lo, hi] = [normal.low - half, normal.high + half];
    band = [height * 0.25, height * 0.75];
  } else {
    const [min, max] = known.length === 0 ? [0, 1] : [Math.min(...known), Math.max(...known)];
    const pad = max > min ? (max - min) / 8 : Math.max(Math.abs(max) * 0.1, 0.5);
    [lo, hi] = [min - pad, max + pad];
  }
  const x = (t: number) => ((t - span.from) / Math.max(1, span.to - span.from)) * width;
  const y = (n: number) => Math.min(height - 1, Math.max(1, height - ((n - lo) / (hi - lo)) * height));
  let path = '';
  let end: Spark['end'] = null;
  let pen = false;
  for (let i = 0; i < ts.length; i++) {
    const n = v[i] ?? null;
    if (n === null) {
      pen = false;
      continue;
    }
    const px = Math.min(width, Math.max(0, x(ts[i] ?? 0)));
    const py = y(n);
    path += `${pen ? 'L' : 'M'}${px.toFixed(1)} ${py.toFixed(1)}`;
    pen = true;
    end = { x: px, y: py };
  }
  return { path, end, band };
}
