// A time range as it stands in the URL: instants in UTC, or relative to now.

export interface Range {
  from: string;
  to: string;
}

export interface Span {
  from: number;
  to: number;
  /** The end follows the clock. */
  live: boolean;
}

const unitMs: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export const presets = ['15m', '1h', '4h', '8h', '24h', '7d', '30d'] as const;
export const defaultRange: Range = { from: 'now-8h', to: 'now' };

/** The range to begin with: what the data fills, up to a shift of eight hours. */
export function rangeForAge(ms: number): Range {
  const p = (['15m', '1h', '4h'] as const).find(
    (x) => ms <= (instant('now', 0) ?? 0) - (instant(`now-${x}`, 0) ?? 0),
  );
  return p === undefined ? defaultRange : { from: `now-${p}`, to: 'now' };
}

/** "8 h" for "8h". */
export function presetLabel(p: string): string {
  return p.replace(/^(\d+)m$/, '$1 min').replace(/^(\d+)([hd])$/, '$1 $2');
}

/** The instant a URL word means, Unix ms; null when it means none. */
export function instant(word: string, now: number): number | null {
  if (word === 'now') return now;
  const rel = /^now-(\d+)([smhd])$/.exec(word);
  if (rel !== null) return now - Number(rel[1]) * (unitMs[rel[2] ?? ''] ?? 0);
  if (!/^\d{4}-\d{2}-\d{2}T/.test(word)) return null;
  const at = Date.parse(word);
  return Number.isNaN(at) ? null : at;
}

/** The span of a range; a range that makes no sense becomes the default. */
export function span(range: Partial<Range>, now: number): Span {
  const from = instant(range.from ?? defaultRange.from, now);
  const to = instant(range.to ?? 'now', now);
  if (from === null || to === null || from >= to) return span(defaultRange, now);
  return { from, to, live: (range.to ?? 'now') === 'now' };
}

/** The preset a range stands for, if it is one. */
export function presetOf(range: Partial<Range>): string | null {
  if ((range.to ?? 'now') !== 'now') return null;
  const p = /^now-(\w+)$/.exec(range.from ?? defaultRange.from)?.[1];
  return p !== undefined && (presets as readonly string[]).includes(p) ? p : null;
}

/** A fixed range in the URL's words, rounded to seconds outward. */
export function fixedRange(from: number, to: number): Range {
  const text = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');
  return { from: text(Math.floor(from / 1000) * 1000), to: text(Math.ceil(to / 1000) * 1000) };
}

/** Ticks of a time axis: round steps so that about `count` labels fit. `offset` is the zone's, in minutes. */
export function timeTicks(from: number, to: number, count: number, offset: number): number[] {
  const steps = [1, 5, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 7200, 10080].map((m) => m * 60_000);
  const step = steps.find((s) => (to - from) / s <= count) ?? 20_160 * 60_000;
  const shift = offset * 60_000;
  const ticks: number[] = [];
  for (let t = Math.ceil((from + shift) / step) * step - shift; t <= to; t += step) ticks.push(t);
  return ticks;
}
