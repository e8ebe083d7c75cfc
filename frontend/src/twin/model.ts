// The shapes the console thinks in: assets, tags and their readings.

export interface Band {
  low?: number | null | undefined;
  high?: number | null | undefined;
}

export interface Limits {
  lolo?: number | null | undefined;
  lo?: number | null | undefined;
  hi?: number | null | undefined;
  hihi?: number | null | undefined;
}

export type Value = number | boolean | string | null;

export interface Tag {
  name: string;
  title: string;
  type: string;
  unit: string;
  decimals: number;
  range: Band;
  normal: Band;
  limits: Limits;
  states: string[];
  /** How often a reading is expected; 0 is on change. */
  interval_ms: number;
  writable: boolean;
  setpoint?: string | undefined;
}

export interface Reading {
  v: Value;
  /** OPC quality byte. */
  q: number;
  /** When it was measured, Unix ms. */
  ts: number;
  /** When the backend got it, Unix ms; missing in live batches. */
  received?: number | undefined;
  limit: string;
  /** What the backend said when it was asked; a later live value clears it. */
  stale: boolean;
}

export type Condition = 'none' | 'good' | 'override' | 'uncertain' | 'bad' | 'stale';

/** How a reading is to be shown at the instant `now` (Unix ms). */
export function condition(r: Reading | undefined, intervalMs: number, now: number): Condition {
  if (r === undefined) return 'none';
  const status = r.q & 0xc0;
  if (status !== 0xc0 && status !== 0x40) return 'bad';
  if (r.stale || (intervalMs > 0 && now - r.ts > Math.max(2 * intervalMs, 3000))) return 'stale';
  if (status === 0x40) return 'uncertain';
  return r.q === 216 ? 'override' : 'good';
}

/** Says whether a number leaves the normal band; an open side has no edge. */
export function outOfBand(v: number, normal: Band): boolean {
  return (normal.high != null && v > normal.high) || (normal.low != null && v < normal.low);
}

/** The number in a value, if it is one. */
export function numeric(v: Value): number | null {
  return typeof v === 'number' && Number.isFinite(v) ? v : null;
}

/** Says whether a tag's values are numbers to be drawn on a scale. */
export function isAnalog(tag: Pick<Tag, 'type' | 'states'>): boolean {
  return (tag.type === 'float64' || tag.type === 'int64') && tag.states.length === 0;
}

/** The words of a tag without a scale, by number; bits have two. */
export function stateWords(tag: Pick<Tag, 'name' | 'type' | 'states'>): string[] {
  if (tag.states.length > 0 || tag.type !== 'bool') return tag.states;
  return /run/.test(tag.name) ? ['stopped', 'running'] : ['off', 'on'];
}

/** A value in words: an enum's state, off and on for bits, text as it is. */
export function valueWord(v: Value, tag: Pick<Tag, 'name' | 'states' | 'type'>): string {
  if (v === null) return '–';
  const words = stateWords(tag);
  if (typeof v === 'boolean') return words[v ? 1 : 0] ?? String(v);
  if (typeof v === 'number' && words.length > 0) return words[v] ?? `${v} ?`;
  return String(v);
}
