import type { Readings } from '../../twin/live';
import { numeric, type Tag } from '../../twin/model';

/** How far a reading is on the way from the normal band to the outermost limit; 0 inside. */
function severity(tag: Tag, v: number): number {
  const { normal, limits } = tag;
  const up = limits.hihi ?? limits.hi;
  const down = limits.lolo ?? limits.lo;
  const over =
    normal.high != null && up != null && up > normal.high ? (v - normal.high) / (up - normal.high) : 0;
  const under =
    normal.low != null && down != null && down < normal.low ? (normal.low - v) / (normal.low - down) : 0;
  return Math.max(0, over, under);
}

/** Tag names, the most severe first; equal ones as the class lists them, those with limits before those without. */
function worstFirst(tags: readonly Tag[], readings: Readings) {
  const rank = (tag: Tag) => {
    const v = numeric(readings[tag.name]?.v ?? null);
    const watched = Object.values(tag.limits as Record<string, unknown>).some((x) => x != null) ? 0.001 : 0;
    return (v === null ? 0 : severity(tag, v)) + watched;
  };
  return tags
    .map((tag, i) => ({ name: tag.name, unit: tag.unit, rank: rank(tag), i }))
    .sort((a, b) => b.rank - a.rank || a.i - b.i);
}

/** The few tags that say most: what is out of its band, then one of each unit. */
export function telling(tags: readonly Tag[], readings: Readings, limit: number): string[] {
  const ranked = worstFirst(tags, readings);
  const out = ranked.filter((x) => x.rank > 0.01).slice(0, limit);
  for (const fresh of [true, false]) {
    for (const x of ranked) {
      if (out.length >= limit) break;
      if (out.includes(x) || (fresh && out.some((o) => o.unit === x.unit))) continue;
      out.push(x);
    }
  }
  return out.map((x) => x.name);
}
