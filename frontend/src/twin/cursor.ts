import { qualityStatus } from './quality';
import { indexBefore, summarise, type Series, type Span, type Summary } from './series';

// The two cursors of a trend: where they stand, and what a pen says there and
// between them.

export interface Cursors {
  /** Unix ms; null where the cursor is not set. */
  a: number | null;
  b: number | null;
}

export type CursorName = keyof Cursors;

export const noCursors: Cursors = { a: null, b: null };

const HOUR = 3_600_000;

/** The instant a cursor has in the URL; null for a word that is none. */
export function readCursor(word: string | undefined): number | null {
  if (word === undefined || !/^\d{4}-\d{2}-\d{2}T/.test(word)) return null;
  const at = Date.parse(word);
  return Number.isNaN(at) ? null : at;
}

/** A cursor as the URL writes it: UTC to the millisecond, without zeros that say nothing. */
export function writeCursor(at: number | null): string | undefined {
  return at === null ? undefined : new Date(Math.round(at)).toISOString().replace('.000Z', 'Z');
}

/** The stretch between the cursors, earlier end first; null unless both stand apart. */
export function between({ a, b }: Cursors): Span | null {
  return a === null || b === null || a === b ? null : { from: Math.min(a, b), to: Math.max(a, b) };
}

/**
 * A cursor moved by a share of the view. One that is not set yet begins where
 * the pointer is, else in the middle of the view; none leaves the view.
 */
export function moved(
  c: Cursors,
  which: CursorName,
  share: number,
  view: Span,
  pointer: number | null,
): Cursors {
  const width = view.to - view.from;
  const start = c[which] ?? pointer ?? view.from + width / 2;
  const at = Math.min(view.to, Math.max(view.from, start + share * width));
  return { ...c, [which]: Math.round(at) };
}

/**
 * What the pen read at an instant: the last reading at or before it. Nothing
 * is read off inside a gap, before the first reading, or where it was bad.
 */
export function readingAt(s: Series, at: number): number | null {
  const i = indexBefore(s.ts, at);
  const v = s.v[i];
  if (v == null || qualityStatus(s.q[i] ?? 0) === 'bad') return null;
  return s.gaps.some((g) => at > g.from && at < g.to) ? null : v;
}

export interface Measure extends Summary {
  a: number | null;
  b: number | null;
  /** B minus A. */
  delta: number | null;
  /** Change per hour from the one to the other. */
  slope: number | null;
}

const unknown: Summary = { min: null, max: null, mean: null, last: null, good: null };

/**
 * What the pen says at the cursors and over the stretch between them, else
 * over the view. A cursor outside the view says nothing, because what is
 * there has not been read.
 */
export function measure(s: Series, c: Cursors, view: Span): Measure {
  const seen = (at: number | null): at is number => at !== null && at >= view.from && at <= view.to;
  const a = seen(c.a) ? readingAt(s, c.a) : null;
  const b = seen(c.b) ? readingAt(s, c.b) : null;
  const delta = a === null || b === null ? null : b - a;
  const apart = between(c);
  const slope =
    delta === null || c.a === null || c.b === null || apart === null ? null : (delta / (c.b - c.a)) * HOUR;
  const over = apart ?? view;
  const whole = apart === null || (seen(c.a) && seen(c.b));
  return { a, b, delta, slope, ...(whole ? summarise(s, over.from, over.to) : unknown) };
}
