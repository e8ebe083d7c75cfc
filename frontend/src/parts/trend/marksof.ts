import { t } from '../../shell/words';
import { formatDuration, formatShort } from '../../twin/format';
import type { Tag } from '../../twin/model';
import { qualityWord } from '../../twin/quality';
import { qualityGaps, type Series } from '../../twin/series';
import { formatMinute, formatStamp } from '../../twin/time';
import type { LimitLine, Marks } from './marks';

// From a tag and its readings to what is drawn around the pen.

function cause(c: string): string {
  switch (c) {
    case 'offline':
      return t('gap.offline');
    case 'buffer_overrun':
      return t('gap.buffer_overrun');
    case 'dead_letter':
      return t('gap.dead_letter');
    case 'clock':
      return t('gap.clock');
    case 'quality':
      return t('gap.quality');
    case 'unknown':
      return t('gap.unknown');
    default:
      return `${c} ?`;
  }
}

/** The word for the cause of a gap; one this console does not know stands with a question mark. */
export const causeWord = cause;

/** Limit lines with their names: HIHI and LOLO dashed, HI and LO dotted, the setpoint fine. */
export function limitLines(tag: Pick<Tag, 'limits'>, setpoint?: number | null): LimitLine[] {
  const out: LimitLine[] = [];
  for (const name of ['lolo', 'lo', 'hi', 'hihi'] as const) {
    const value = tag.limits[name];
    if (value == null) continue;
    out.push({
      name: `${name.toUpperCase()} ${formatShort(value)}`,
      value,
      kind: name.length > 2 ? 'outer' : 'inner',
    });
  }
  if (setpoint != null) out.push({ name: '', value: setpoint, kind: 'setpoint' });
  return out;
}

/** Gaps, late data, band and limits of one pen. */
export function marksOf(
  tag: Pick<Tag, 'limits' | 'normal'> | undefined,
  s: Series,
  zone: string,
  setpoint?: number | null,
): Marks {
  const times = (a: number, b: number) => `${formatMinute(a, zone)}–${formatMinute(b, zone)}`;
  const first = s.ts[0];
  // What stands before the first reading with no cause known is no gap: nothing was there yet.
  const early = s.gaps.find((g) => g.cause === 'unknown' && first !== undefined && g.to <= first);
  const known = s.gaps
    .filter((g) => g !== early)
    .map((g) => ({
      ...g,
      label:
        `${cause(g.cause)} ${times(g.from, g.to)}` +
        (g.count !== null && g.count > 0 ? `, ${t('gap.messages', { count: g.count })}` : ''),
    }));
  const covered = (from: number, to: number) => known.some((g) => g.from <= from && g.to >= to);
  const bad = qualityGaps(s)
    .filter((g) => !covered(g.from, g.to))
    .map((g) => ({
      from: g.from,
      to: g.to,
      cause: 'quality',
      count: null,
      open: false,
      detail: qualityWord(g.q),
      label: `${qualityWord(g.q)} ${times(g.from, g.to)}`,
    }));
  const backfilled = s.backfilled.map((b) => ({
    ...b,
    label: t('gap.backfilled', {
      duration: formatDuration(b.to - b.from),
      at: formatMinute(b.arrived, zone),
    }),
  }));
  const { low, high } = tag?.normal ?? {};
  const band = low == null && high == null ? null : { low: low ?? -1e300, high: high ?? 1e300 };
  return {
    band,
    limits: tag === undefined ? [] : limitLines(tag, setpoint),
    gaps: [...known, ...bad],
    backfilled,
    before:
      early === undefined
        ? null
        : { to: early.to, label: t('gap.before', { at: formatStamp(early.to, zone) }) },
    inset: 6,
  };
}

/** A y axis that shows the readings, the normal band and the limits. */
export function rangeWithLimits(
  tag: Pick<Tag, 'limits' | 'normal' | 'range'>,
  s: readonly (number | null)[],
): [number, number] {
  const all = [
    ...s,
    tag.normal.low,
    tag.normal.high,
    ...Object.values(tag.limits as Record<string, number | null | undefined>),
  ];
  const known = all.filter((v): v is number => typeof v === 'number');
  if (known.length === 0) return [0, 1];
  const lo = Math.min(...known);
  const hi = Math.max(...known);
  const pad = (hi - lo) * 0.06 || Math.max(Math.abs(hi) * 0.05, 0.5);
  // Room for the name of the highest limit above its line.
  const floor = tag.range.low != null && lo >= tag.range.low ? Math.max(tag.range.low, lo - pad) : lo - pad;
  return [lo === 0 ? 0 : floor, hi + 2.2 * pad];
}
