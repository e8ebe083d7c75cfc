import { describe, expect, it } from 'vitest';
import { formatAge, formatBytes, formatDelta, formatDuration, formatNumber, formatShort } from './format';
import { levelBadge } from './level';
import { payloadText } from './payload';
import { qualityShort, qualityStatus, qualityWord } from './quality';
import { unitLabel } from './unit';

describe('numbers', () => {
  it('keep the decimals of their tag, with true minus and thousands', () => {
    expect(formatNumber(1462, 0)).toBe('1,462');
    expect(formatNumber(0.30000000000000004, 1)).toBe('0.3');
    expect(formatNumber(-9.5, 1)).toBe('\u22129.5');
    expect(formatNumber(-0.001, 1)).toBe('0.0');
    expect(formatNumber(NaN)).toBe('NaN');
    expect(formatNumber(-Infinity)).toBe('\u2212∞');
  });
  it('carry their sign when they are changes', () => {
    expect(formatDelta(1)).toBe('+1');
    expect(formatDelta(-23)).toBe('\u221223');
    expect(formatDelta(0.001, 1)).toBe('0.0');
  });
  it('take no more decimals than they need', () => {
    expect(formatShort(11)).toBe('11');
    expect(formatShort(7.1)).toBe('7.1');
    expect(formatShort(0.05)).toBe('0.05');
    expect(formatShort(1 / 3)).toBe('0.333');
  });
  it('stand as durations and ages', () => {
    expect(formatDuration(109_000)).toBe('1 min 49 s');
    expect(formatDuration(76 * 3_600_000)).toBe('3 d 4 h');
    expect(formatDuration(3_600_000)).toBe('1 h');
    expect(formatDuration(-5)).toBe('0 s');
    expect(formatAge(252_000)).toBe('4 min');
    expect(formatBytes(10 * 1024 * 1024)).toBe('10 MiB');
    expect(formatBytes(212)).toBe('212 B');
  });
});

describe('units', () => {
  it.each([
    ['Cel', '°C'],
    ['m3/h', 'm³/h'],
    ['mm/s', 'mm/s'],
    ['m/s2', 'm/s²'],
    ['{rev}/min', 'rpm'],
    ['{msg}/s', 'msg/s'],
    ['kW.h', 'kW·h'],
    ['10*3.m3/h', '10³ m³/h'],
    ['uS/cm', 'µS/cm'],
    ['MBy', 'MB'],
    ['1', ''],
    ['%', '%'],
    ['', ''],
    ['furlong', 'furlong'],
  ])('%s is written %s', (code, label) => {
    expect(unitLabel(code)).toBe(label);
  });
});

describe('qualities', () => {
  it('have the words of the standard', () => {
    expect(qualityWord(24)).toBe('communication failure');
    expect(qualityWord(68)).toBe('last usable value');
    expect(qualityWord(80)).toBe('sensor not accurate');
    expect(qualityShort(24)).toBe('comm');
  });
  it('fall back on their two top bits', () => {
    expect(qualityStatus(192)).toBe('good');
    expect(qualityStatus(200)).toBe('good');
    expect(qualityStatus(80)).toBe('uncertain');
    expect(qualityStatus(128)).toBe('bad');
    expect(qualityWord(200)).toBe('good');
  });
});

describe('what the console does not know', () => {
  it('is shown with a question mark and breaks nothing', () => {
    expect(levelBadge('galaxy')).toBe('G?');
    expect(levelBadge('')).toBe('?');
  });
});

describe('payloads of dead letters', () => {
  const b64 = (bytes: number[]) => btoa(String.fromCharCode(...bytes));
  it('are text when they are text, with control characters made visible', () => {
    expect(payloadText(btoa('{"a":1}'), 100)).toBe('{"a":1}');
    expect(payloadText(b64([65, 0, 66]), 100)).toBe('A\\x00B');
    expect(payloadText(btoa('x'.repeat(50)), 10)).toBe(`${'x'.repeat(10)} …`);
  });
  it('are bytes when they are not', () => {
    expect(payloadText(b64([0x7b, 0xff, 0x41]), 100)).toContain('7b ff 41');
    expect(payloadText('not base64!', 100)).toBe('');
  });
});
