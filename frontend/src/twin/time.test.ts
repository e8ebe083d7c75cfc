import { describe, expect, it } from 'vitest';
import { fixedRange, instant, presetLabel, presetOf, rangeForAge, span, timeTicks } from './range';
import { formatDate, formatMinute, formatTime, resolveZone, zoneLabel, zoneOffset } from './time';

const noon = Date.UTC(2026, 10, 19, 19, 5, 0);

describe('time at a site', () => {
  it('is the wall clock of its zone, with the offset beside it', () => {
    expect(formatTime(noon, 'America/Detroit')).toBe('14:05:00');
    expect(formatDate(noon, 'America/Detroit')).toBe('Thu 19 Nov 2026');
    expect(zoneLabel(noon, 'America/Detroit')).toBe('EST UTC\u22125');
    expect(zoneLabel(noon, 'Europe/Amsterdam')).toBe('UTC+1');
    expect(zoneLabel(noon, 'Asia/Kolkata')).toBe('UTC+5:30');
    expect(zoneLabel(noon, 'UTC')).toBe('UTC');
  });
  it('falls back on the reader when the site has no zone', () => {
    expect(resolveZone('site', 'America/Detroit')).toBe('America/Detroit');
    expect(resolveZone('utc', 'America/Detroit')).toBe('UTC');
    expect(resolveZone('site', 'Mars/Olympus')).toBe(resolveZone('me', undefined));
  });
  it('has 25 hours on the day summer time ends', () => {
    const zone = 'Europe/Berlin';
    const from = Date.UTC(2026, 9, 24, 22); // midnight in Berlin
    const to = Date.UTC(2026, 9, 25, 23); // midnight a day later
    expect([formatMinute(from, zone), formatMinute(to, zone)]).toEqual(['00:00', '00:00']);
    expect((to - from) / 3_600_000).toBe(25);
    expect([zoneOffset(from, zone), zoneOffset(to, zone)]).toEqual([120, 60]);
    expect(formatMinute(Date.UTC(2026, 9, 25, 0, 30), zone)).toBe(
      formatMinute(Date.UTC(2026, 9, 25, 1, 30), zone),
    );
  });
});

describe('ranges in the address', () => {
  it('stay relative, become instants, or fall back', () => {
    expect(instant('now-8h', noon)).toBe(noon - 8 * 3_600_000);
    expect(instant('2026-03-12T06:00:00Z', noon)).toBe(Date.UTC(2026, 2, 12, 6));
    expect(instant('yesterday', noon)).toBeNull();
    expect(span({ from: 'now-1h' }, noon)).toEqual({ from: noon - 3_600_000, to: noon, live: true });
    expect(span({ from: 'now', to: 'now-1h' }, noon).from).toBe(noon - 8 * 3_600_000);
    expect(span({ from: '2026-03-12T06:00:00Z', to: '2026-03-12T07:00:00Z' }, noon).live).toBe(false);
  });
  it('are known by their names', () => {
    expect(presetOf({ from: 'now-24h' })).toBe('24h');
    expect(presetOf({ from: 'now-25h' })).toBeNull();
    expect(presetLabel('15m')).toBe('15 min');
    expect(presetLabel('7d')).toBe('7 d');
  });
  it('begin where a young plant began', () => {
    expect(rangeForAge(3 * 60_000).from).toBe('now-15m');
    expect(rangeForAge(3_600_000).from).toBe('now-1h');
    expect(rangeForAge(90 * 86_400_000).from).toBe('now-8h');
  });
  it('are rounded outward when drawn with the mouse', () => {
    expect(fixedRange(1500, 2500)).toEqual({ from: '1970-01-01T00:00:01Z', to: '1970-01-01T00:00:03Z' });
  });
  it('get ticks at round wall-clock times of the zone', () => {
    const ticks = timeTicks(noon - 8 * 3_600_000, noon, 9, 330);
    expect(ticks.map((x) => formatMinute(x, 'Asia/Kolkata').slice(3))).toEqual(ticks.map(() => '00'));
    expect(ticks.length).toBeGreaterThanOrEqual(4);
    expect(ticks.length).toBeLessThanOrEqual(9);
  });
});
