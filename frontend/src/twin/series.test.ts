import { describe, expect, it } from 'vitest';
import { align, append, indexBefore, qualityGaps, splitLines, summarise, trim, type Series } from './series';

function series(readings: [number, number | null, number?][], more: Partial<Series> = {}): Series {
  return {
    asset: 'p7',
    tag: 'flow',
    unit: 'm3/h',
    decimals: 1,
    type: 'float64',
    resolution: 'raw',
    ts: readings.map((r) => r[0]),
    v: readings.map((r) => r[1]),
    q: readings.map((r) => r[2] ?? 192),
    gaps: [],
    backfilled: [],
    ...more,
  };
}

const gap = (from: number, to: number) => ({
  from,
  to,
  cause: 'offline',
  count: null,
  open: false,
  detail: '',
});

describe('lines of a pen', () => {
  it('are never drawn across a gap', () => {
    const s = series(
      [
        [0, 1],
        [10, 2],
        [50, 3],
        [60, 4],
      ],
      { gaps: [gap(10, 50)] },
    );
    const lines = splitLines(s);
    expect(lines.ts).toEqual([0, 10, 30, 50, 60]);
    expect(lines.good).toEqual([1, 2, null, 3, 4]);
  });

  it('are not broken by a gap before the first reading', () => {
    expect(
      splitLines(
        series(
          [
            [10, 1],
            [20, 2],
          ],
          { gaps: [gap(0, 5)] },
        ),
      ).good,
    ).toEqual([1, 2]);
  });

  it('leave out bad readings and dot uncertain ones, joined where they meet', () => {
    const lines = splitLines(
      series([
        [0, 1],
        [1, 2, 80],
        [2, 3, 80],
        [3, 4],
        [4, 9, 24],
        [5, 5],
      ]),
    );
    expect(lines.good).toEqual([1, 2, null, 4, null, 5]);
    expect(lines.uncertain).toEqual([null, 2, 3, 4, null, null]);
  });

  it('are thin where data came late', () => {
    const lines = splitLines(
      series(
        [
          [0, 1],
          [1, 2],
          [2, 3],
        ],
        { backfilled: [{ from: 1, to: 1, arrived: 9 }] },
      ),
    );
    expect(lines.backfilled).toEqual([null, 2, 3]);
  });

  it('keep a break over the instants that only another pen has', () => {
    const broken = splitLines(
      series(
        [
          [0, 1],
          [10, 2],
          [50, 3],
        ],
        { gaps: [gap(10, 50)] },
      ),
    );
    const other = splitLines(
      series([
        [15, 7],
        [25, 7],
        [45, 7],
      ]),
    );
    const [ts, good] = align([broken, other]);
    expect(ts).toEqual([0, 10, 15, 25, 30, 45, 50]);
    expect(good).toEqual([1, 2, null, null, null, null, 3]);
  });

  it('go on over the instants of another pen when nothing is missing', () => {
    const [, good] = align([
      splitLines(
        series([
          [0, 1],
          [10, 2],
        ]),
      ),
      splitLines(series([[5, 7]])),
    ]);
    expect(good).toEqual([1, undefined, 2]);
  });
});

describe('live readings', () => {
  it('are put behind the last, never before it and never twice', () => {
    const s = series([
      [0, 1],
      [10, 2],
    ]);
    const grown = append(s, [
      { ts: 10, v: 9, q: 192 },
      { ts: 30, v: 4, q: 192 },
      { ts: 20, v: 3, q: 192 },
      { ts: 5, v: 8, q: 192 },
    ]);
    expect(grown.ts).toEqual([0, 10, 20, 30]);
    expect(grown.v).toEqual([1, 2, 3, 4]);
    expect(append(s, [{ ts: 3, v: 1, q: 192 }])).toBe(s);
  });

  it('push the oldest out, but for the one that leads into the plot', () => {
    expect(
      trim(
        series([
          [0, 1],
          [10, 2],
          [20, 3],
        ]),
        15,
      ).ts,
    ).toEqual([10, 20]);
    expect(trim(series([[0, 1]]), 99).ts).toEqual([0]);
  });
});

describe('what is said about a series', () => {
  it('counts good readings only', () => {
    const s = summarise(
      series([
        [0, 1],
        [1, 3],
        [2, 99, 24],
        [3, 50, 80],
      ]),
      0,
      10,
    );
    expect(s).toEqual({ min: 1, max: 3, mean: 2, last: 3, good: 0.5 });
  });

  it('says nothing where there is nothing', () => {
    expect(summarise(series([]), 0, 10).mean).toBeNull();
    expect(summarise(series([[0, 1, 24]]), 0, 10)).toMatchObject({ mean: null, good: 0 });
  });

  it('names stretches of bad quality', () => {
    expect(
      qualityGaps(
        series([
          [0, 1],
          [1, 2, 24],
          [2, 2, 24],
          [3, 1],
          [4, 1, 16],
        ]),
      ),
    ).toEqual([
      { from: 1, to: 3, q: 24 },
      { from: 4, to: 4, q: 16 },
    ]);
  });

  it('reads off the reading before the cursor', () => {
    expect(indexBefore([10, 20, 30], 25)).toBe(1);
    expect(indexBefore([10, 20, 30], 5)).toBe(-1);
    expect(indexBefore([10, 20, 30], 30)).toBe(2);
  });
});
