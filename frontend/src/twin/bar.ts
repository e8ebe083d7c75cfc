import { numeric, outOfBand, type Limits, type Tag, type Value } from './model';

// Where the parts of an analog bar stand, as shares of its width.

export interface Bar {
  band: [number, number] | null;
  ticks: { at: number; name: string; value: number }[];
  /** The value, pressed to the ends when it leaves the scale. */
  value: number | null;
  /** The share from the edge of the normal band to the value, when outside. */
  over: [number, number] | null;
  setpoint: number | null;
  out: boolean;
}

/** The scale of a tag: its range, else what its limits and band span with a margin; null without either. */
export function scale(tag: Pick<Tag, 'range' | 'normal' | 'limits'>): [number, number] | null {
  const { low, high } = tag.range;
  if (low != null && high != null && high > low) return [low, high];
  const known = [
    ...Object.values(tag.limits as Record<string, number | null | undefined>),
    tag.normal.low,
    tag.normal.high,
    low,
    high,
  ];
  const marks = known.filter((v): v is number => typeof v === 'number');
  if (marks.length < 2) return null;
  const [min, max] = [Math.min(...marks), Math.max(...marks)];
  if (max <= min) return null;
  const margin = (max - min) * 0.15;
  return [low ?? (min >= 0 && min - margin < 0 ? 0 : min - margin), high ?? max + margin];
}

const tickOrder: (keyof Limits)[] = ['lolo', 'hihi'];

/** Lays out a bar; null when the tag has no scale to draw on. */
export function layoutBar(
  tag: Pick<Tag, 'range' | 'normal' | 'limits'>,
  v: Value | undefined,
  setpoint?: Value,
): Bar | null {
  const ends = scale(tag);
  if (ends === null) return null;
  const [low, high] = ends;
  const at = (x: number) => Math.min(1, Math.max(0, (x - low) / (high - low)));
  const n = v === undefined ? null : numeric(v);
  const sp = setpoint === undefined ? null : numeric(setpoint);
  const { normal, limits } = tag;
  const ticks = tickOrder.flatMap((name) => {
    const inner: keyof Limits = name === 'lolo' ? 'lo' : 'hi';
    const used = limits[name] != null ? name : inner;
    const value = limits[used];
    return value == null ? [] : [{ at: at(value), name: used.toUpperCase(), value }];
  });
  const band: [number, number] | null =
    normal.low == null && normal.high == null ? null : [at(normal.low ?? low), at(normal.high ?? high)];
  const out = n !== null && outOfBand(n, normal);
  let over: [number, number] | null = null;
  if (out) {
    const edge = normal.high != null && n > normal.high ? normal.high : (normal.low ?? low);
    over = [Math.min(at(edge), at(n)), Math.max(at(edge), at(n))];
  }
  return { band, ticks, value: n === null ? null : at(n), over, setpoint: sp === null ? null : at(sp), out };
}
