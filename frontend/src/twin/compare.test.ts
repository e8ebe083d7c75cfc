import { describe, expect, it } from 'vitest';
import { earlier, earlierLabel, readVersus, shifted, shiftOf } from './compare';

const H = 3_600_000;
const at = (iso: string) => Date.parse(iso);
const detroit = 'America/Detroit';

describe('the stretch a trend is compared with', () => {
  const view = { from: at('2026-11-19T11:00:00Z'), to: at('2026-11-19T19:00:00Z') };

  it('is the one just before, a day or a week ago', () => {
    expect(shiftOf('period', view, detroit)).toBe(8 * H);
    expect(shiftOf('day', view, detroit)).toBe(24 * H);
    expect(shiftOf('week', view, detroit)).toBe(168 * H);
    expect(earlierLabel('week', view, 168 * H, detroit)).toBe('Thu 12 Nov');
    expect(earlierLabel('period', view, 8 * H, detroit)).toBe('18 Nov 22:00:00');
  });

  it('begins at the same hour of the shift where the clocks changed in between', () => {
    // Sunday 1 November 2026 had 25 hours in Detroit.
    const after = { from: at('2026-11-02T11:00:00Z'), to: at('2026-11-02T19:00:00Z') };
    const shift = shiftOf('week', after, detroit);
    expect(new Date(after.from - shift).toISOString()).toBe('2026-10-26T10:00:00.000Z');
    expect(shiftOf('week', after, 'UTC')).toBe(168 * H);
  });

  it('is asked for in whole minutes that cover it', () => {
    expect(earlier({ from: 90_500, to: 150_500 }, 60_000)).toEqual({ from: 0, to: 120_000 });
  });

  it('is none for a word that means none', () => {
    expect(readVersus('week')).toBe('week');
    for (const word of [undefined, '', 'year', 7]) expect(readVersus(word)).toBeUndefined();
  });

  it('lies on the view with its gaps, the readings unchanged', () => {
    const s = {
      asset: 'p7',
      tag: 'flow',
      unit: 'm3/h',
      decimals: 1,
      type: 'float64',
      resolution: 'raw',
      ts: [10, 20],
      v: [1, null],
      q: [192, 0],
      gaps: [{ from: 12, to: 18, cause: 'offline', count: 3, open: false, detail: '' }],
      backfilled: [{ from: 10, to: 12, arrived: 30 }],
    };
    const moved = shifted(s, 100);
    expect(moved).toMatchObject({ ts: [110, 120], v: [1, null], q: [192, 0] });
    expect(moved.gaps[0]).toMatchObject({ from: 112, to: 118, cause: 'offline' });
    expect(moved.backfilled[0]).toMatchObject({ from: 110, to: 112, arrived: 30 });
  });
});
