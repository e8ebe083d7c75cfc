import { describe, expect, it } from 'vitest';
import { layoutBar } from './bar';
import { find } from './find';
import { LiveValues, merge } from './live';
import { commonTags } from './matrix';
import { condition, outOfBand, valueWord, type Reading, type Tag } from './model';
import { runState, stateTag } from './runstate';
import { layoutSpark } from './spark';
import { layoutStrip } from './strip';
import { buildTree } from './tree';

const tag = (name: string, more: Partial<Tag> = {}): Tag => ({
  name,
  title: '',
  type: 'float64',
  unit: 'bar',
  decimals: 1,
  range: {},
  normal: {},
  limits: {},
  states: [],
  interval_ms: 1000,
  writable: false,
  ...more,
});
const reading = (more: Partial<Reading> = {}): Reading => ({
  v: 1,
  q: 192,
  ts: 1000,
  limit: '',
  stale: false,
  ...more,
});

describe('a reading', () => {
  it('is stale after twice its interval, and at once when the backend says so', () => {
    expect(condition(reading(), 5000, 10_000)).toBe('good');
    expect(condition(reading(), 5000, 11_001)).toBe('stale');
    expect(condition(reading({ stale: true }), 0, 1000)).toBe('stale');
    expect(condition(reading(), 0, 9_999_999)).toBe('good');
  });
  it('is bad before it is stale', () => {
    expect(condition(reading({ q: 24 }), 1000, 99_999)).toBe('bad');
    expect(condition(reading({ q: 128 }), 0, 0)).toBe('bad');
  });
  it('says when it is uncertain, set by hand, or missing', () => {
    expect(condition(reading({ q: 80 }), 0, 0)).toBe('uncertain');
    expect(condition(reading({ q: 216 }), 0, 0)).toBe('override');
    expect(condition(undefined, 0, 0)).toBe('none');
  });
  it('has words when it has no scale', () => {
    expect(valueWord(2, tag('state', { type: 'enum', states: ['off', 'ready', 'running'] }))).toBe('running');
    expect(valueWord(7, tag('state', { type: 'enum', states: ['off'] }))).toBe('7 ?');
    expect(valueWord(true, tag('running', { type: 'bool' }))).toBe('running');
    expect(valueWord(null, tag('x'))).toBe('–');
  });
});

describe('an analog bar', () => {
  const t = tag('p', {
    range: { low: 0, high: 10 },
    normal: { low: 2, high: 4 },
    limits: { hi: 6, hihi: 8, lo: 1 },
  });
  it('has band, value, and the outermost limit of each side', () => {
    const bar = layoutBar(t, 3, 5);
    expect(bar).toMatchObject({ band: [0.2, 0.4], value: 0.3, setpoint: 0.5, over: null, out: false });
    expect(bar?.ticks.map((x) => [x.name, x.at])).toEqual([
      ['LO', 0.1],
      ['HIHI', 0.8],
    ]);
  });
  it('shows how far beyond the band, on either side, and keeps to its field', () => {
    expect(layoutBar(t, 9)).toMatchObject({ over: [0.4, 0.9], out: true });
    expect(layoutBar(t, 1)).toMatchObject({ over: [0.1, 0.2] });
    expect(layoutBar(t, 99)?.value).toBe(1);
  });
  it('makes a scale of limits when there is no range, and none of nothing', () => {
    expect(
      layoutBar(tag('p', { normal: { low: 2, high: 4 }, limits: { hihi: 8 } }), 3)?.band?.[0],
    ).toBeGreaterThan(0);
    expect(layoutBar(tag('p'), 3)).toBeNull();
  });
  it('has no value for what is not a number', () => {
    expect(layoutBar(t, null)?.value).toBeNull();
    expect(layoutBar(t, NaN)?.value).toBeNull();
  });
  it('has open sides', () => {
    expect(outOfBand(99, { low: 1 })).toBe(false);
    expect(outOfBand(0, { low: 1 })).toBe(true);
  });
});

describe('the state of a machine', () => {
  it('is read from the tag that says it', () => {
    const running = tag('running', { type: 'bool' });
    const tags = [tag('flow'), running];
    expect(stateTag(tags)).toBe(running);
    expect(runState(running, reading({ v: true }))).toEqual({ word: 'RUNNING', drive: 'running' });
    expect(runState(running, reading({ v: false }))).toEqual({ word: 'STOPPED', drive: 'stopped' });
    expect(runState(undefined, undefined).drive).toBe('unknown');
  });
});

describe('live values', () => {
  it('never go back in time, and tell those who listen', () => {
    const live = new LiveValues();
    let heard = 0;
    const stop = live.listen('p7', () => heard++);
    live.apply([{ id: 'p7', reported: { flow: { v: 2, q: 192, ts: 20, limit: '' } } }]);
    live.apply([{ id: 'p7', reported: { flow: { v: 1, q: 192, ts: 10, limit: '' } } }]);
    live.apply([{ id: 'p8', reported: { flow: { v: 9, q: 192, ts: 30, limit: '' } } }]);
    expect(live.get('p7')?.['flow']?.v).toBe(2);
    expect(heard).toBe(2);
    stop();
    live.clear();
    expect(live.get('p7')).toBeUndefined();
    expect(heard).toBe(2);
  });
  it('win over what was read only when they are newer', () => {
    const read = { a: reading({ ts: 5, v: 'old' }), b: reading({ ts: 50, v: 'read' }) };
    const merged = merge(read, { a: reading({ ts: 6, v: 'live' }), b: reading({ ts: 40, v: 'late' }) });
    expect([merged['a']?.v, merged['b']?.v]).toEqual(['live', 'read']);
  });
});

describe('a spark', () => {
  it('puts the normal band in the middle half and holds the line inside', () => {
    const s = layoutSpark(
      [0, 5, 10],
      [50, null, 500],
      { from: 0, to: 10 },
      { width: 100, height: 40 },
      { low: 40, high: 60 },
    );
    expect(s.band).toEqual([10, 30]);
    expect(s.path).toBe('M0.0 20.0M100.0 1.0');
    expect(s.end).toEqual({ x: 100, y: 1 });
  });
  it('draws nothing of nothing', () => {
    expect(layoutSpark([], [], { from: 0, to: 1 }, { width: 9, height: 9 })).toEqual({
      path: '',
      end: null,
      band: null,
    });
  });
});

describe('the strip of relations', () => {
  it('puts flow left and right, counts sensors, and counts what does not fit', () => {
    const s = layoutStrip([
      { type: 'feeds', direction: 'in', n: 1 },
      { type: 'feeds', direction: 'in', n: 2 },
      { type: 'drives', direction: 'in', n: 3 },
      { type: 'feeds', direction: 'out', n: 4 },
      { type: 'measures', direction: 'in', n: 5 },
      { type: 'spare_of', direction: 'in', n: 6 },
    ]);
    expect(s.left.shown.map((x) => x.n)).toEqual([1, 2]);
    expect(s.left.more).toBe(1);
    expect(s.right.shown.map((x) => x.n)).toEqual([4]);
    expect([s.below, s.other.length]).toEqual([1, 1]);
    expect(s.counts).toEqual({ in: 4, out: 1, other: 1 });
  });
});

describe('the children matrix', () => {
  it('takes what most children share, watched tags first', () => {
    const a = [tag('flow'), tag('temp', { limits: { hi: 9 } }), tag('only_a')];
    const b = [tag('flow'), tag('temp', { limits: { hi: 9 } })];
    expect(commonTags([a, b, b, []], 6).map((x) => x.name)).toEqual(['flow', 'temp']);
    expect(commonTags([a, b], 1).map((x) => x.name)).toEqual(['temp']);
  });
});

describe('the palette', () => {
  const tree = buildTree({
    id: ['0', '1', '2'],
    parent: [-1, 0, 0],
    name: ['acme', 'P-007', 'P-0071'],
    title: ['', 'Pump', 'Pump'],
    level: ['enterprise', 'equipment', 'equipment'],
    class: ['e', 'pump', 'pump'],
    tags: [0, 1, 1],
  });
  const tags = new Map([
    [
      'pump',
      [
        { name: 'vibration_rms', title: 'Vibration' },
        { name: 'flow', title: 'Flow' },
      ],
    ],
  ]);
  it('finds a tag by asset and tag words, the exact asset first', () => {
    expect(find(tree, tags, 'p-007 vib', 5).map((h) => [h.row, h.tag])).toEqual([
      [1, 'vibration_rms'],
      [2, 'vibration_rms'],
    ]);
    expect(find(tree, tags, 'p-007', 1)[0]).toMatchObject({ row: 1, tag: null });
    expect(find(tree, tags, '  ', 5)).toEqual([]);
    expect(find(tree, tags, 'nothing', 5)).toEqual([]);
  });
});
