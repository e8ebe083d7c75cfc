import type { Series, Span } from './series';
import { formatDate, formatStamp, zoneOffset } from './time';

// A trend beside an earlier one: how much earlier, and the earlier readings
// moved to where they are compared.

export const versus = ['period', 'day', 'week'] as const;
/** The stretch just before, the same time a day ago, or a week ago. */
export type Versus = (typeof versus)[number];

const DAY = 86_400_000;

export function readVersus(word: unknown): Versus | undefined {
  return versus.find((v) => v === word);
}

/**
 * How much earlier the compared stretch lies, ms. A day and a week are of the
 * wall clock in the zone: where the clocks changed in between, a shift that
 * begins at six is compared with the one that began at six.
 */
export function shiftOf(vs: Versus, view: Span, zone: string): number {
  if (vs === 'period') return view.to - view.from;
  const plain = vs === 'day' ? DAY : 7 * DAY;
  return plain - (zoneOffset(view.from, zone) - zoneOffset(view.from - plain, zone)) * 60_000;
}

/** The earlier stretch in whole minutes around it, so that a view that follows the clock asks once a minute. */
export function earlier(view: Span, shift: number): Span {
  const minute = 60_000;
  return {
    from: Math.floor((view.from - shift) / minute) * minute,
    to: Math.ceil((view.to - shift) / minute) * minute,
  };
}

/** What the earlier stretch is called: its day, or when it began. */
export function earlierLabel(vs: Versus, view: Span, shift: number, zone: string): string {
  const from = view.from - shift;
  return vs === 'period' ? formatStamp(from, zone) : formatDate(from, zone).replace(/ \d{4}$/, '');
}

/** A series as it would be had everything happened so much later. */
export function shifted(s: Series, by: number): Series {
  return {
    ...s,
    ts: s.ts.map((t) => t + by),
    gaps: s.gaps.map((g) => ({ ...g, from: g.from + by, to: g.to + by })),
    backfilled: s.backfilled.map((b) => ({ ...b, from: b.from + by, to: b.to + by })),
  };
}
