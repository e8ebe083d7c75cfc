import { describe, expect, it } from 'vitest';
import { between, measure, moved, noCursors, readCursor, readingAt, writeCursor } from './cursor';
import type { Series } from './series';

const H = 3_600_000;
const view = { from: 0, to: 8 * H };

function hourly(values: (number | null)[], more: Partial<Series> = {}): Series {
  return {
    asset: 'p7',
    tag: 'vibration_rms',
    unit: 'mm/s',
    decimals: 1,
    type: 'float64',
    resolution: 'raw',
    ts: values.map((_v, i) => i * H),
    v: values,
    q: values.map(() => 192),
    gaps: [],
    backfilled: [],
    ...more,
  };
}

describe('cursors in the address', () => {
  it('come back as they were written', () => {
    const at = Date.parse('2026-03-12T10:28:04Z');
    expect(writeCursor(at)).toBe('2026-03-12T10:28:04Z');
    expect(readCursor(writeCursor(at + 250))).toBe(at + 250);
  });

  it('are none when the word is no instant', () => {
    for (const word of [undefined, '', 'now', '12', '2026-13-99T00:00:00Z'])
      expect(readCursor(word)).toBeNull();
    expect(writeCursor(null)).toBeUndefined();
  });
});

describe('moving a cursor', () => {
  it('begins at the pointer, else in the middle, and stays in the view', () => {
    expect(moved(noCursors, 'a', 0, view, 3 * H).a).toBe(3 * H);
    expect(moved(noCursors, 'b', 0, view, null)).toEqual({ a: null, b: 4 * H });
    expect(moved({ a: 1 * H, b: 2 * H }, 'a', -0.5, view, null)).toEqual({ a: 0, b: 2 * H });
    expect(moved({ a: 7 * H, b: null }, 'a', 0.5, view, null).a).toBe(8 * H);
  });
});

describe('what a pen says at the cursors', () => {
  const rising = hourly([4, 4, 5, 6, 8, 10, 11, 11.6]);

  it('is the value at both, the change, and the change per hour', () => {
    const m = measure(rising, { a: 2 * H, b: 5 * H }, view);
    expect(m).toMatchObject({ a: 5, b: 10, delta: 5, min: 5, max: 10, mean: 7.25, good: 1 });
    expect(m.slope).toBeCloseTo(5 / 3);
  });

  it('keeps its sign when B stands before A, and the same slope', () => {
    const m = measure(rising, { a: 5 * H, b: 2 * H }, view);
    expect(m.delta).toBe(-5);
    expect(m.slope).toBeCloseTo(5 / 3);
    expect(between({ a: 5 * H, b: 2 * H })).toEqual({ from: 2 * H, to: 5 * H });
  });

  it('is of the whole view until both stand', () => {
    expect(measure(rising, { a: 2 * H, b: null }, view)).toMatchObject({
      a: 5,
      b: null,
      delta: null,
      min: 4,
      max: 11.6,
    });
    expect(measure(rising, { a: 2 * H, b: 2 * H }, view)).toMatchObject({ delta: 0, slope: null, min: 4 });
  });

  it('is nothing inside a gap, before the first reading, or where it was bad', () => {
    const gap = { from: 2 * H, to: 5 * H, cause: 'offline', count: null, open: false, detail: '' };
    expect(readingAt(hourly([4, 4, 5], { gaps: [gap] }), 3 * H)).toBeNull();
    expect(readingAt(rising, -1)).toBeNull();
    expect(readingAt(hourly([4, 5], { q: [192, 0] }), H)).toBeNull();
    expect(measure(hourly([4, 99, 6], { q: [192, 0, 192] }), { a: 0, b: 2 * H }, view)).toMatchObject({
      delta: 2,
      max: 6,
      good: 2 / 3,
    });
  });

  it('is nothing where the view does not reach, rather than of a part', () => {
    const m = measure(rising, { a: 2 * H, b: 9 * H }, view);
    expect(m).toMatchObject({ a: 5, b: null, delta: null, slope: null, min: null, mean: null, good: null });
  });
});
