import type { LiveItem, Readings } from '../twin/live';
import type { Series } from '../twin/series';
import { toMs, type HistorySeries, type LiveTick, type Reported } from './types';

// From the wire's shapes to the console's own: instants become numbers, and
// what came over the stream is not believed unseen.

export function readReported(reported: Record<string, Reported>): Readings {
  const out: Record<string, Readings[string]> = {};
  for (const [tag, r] of Object.entries(reported)) {
    out[tag] = {
      v: r.v,
      q: r.q,
      ts: toMs(r.ts),
      received: toMs(r.received),
      limit: r.limit_state,
      stale: r.stale,
    };
  }
  return out;
}

/** A twin event of the stream; anything that does not look like one is no item. */
export function readLive(data: unknown): LiveItem[] {
  const items = (data as { items?: unknown } | null)?.items;
  if (!Array.isArray(items)) return [];
  return (items as { id?: unknown; reported?: Record<string, LiveTick> }[]).flatMap((item) => {
    if (typeof item.id !== 'string' || item.reported === undefined) return [];
    const reported: LiveItem['reported'] = {};
    for (const [tag, r] of Object.entries(item.reported)) {
      reported[tag] = { v: r.v, q: r.q, ts: toMs(r.ts), limit: r.limit_state };
    }
    return [{ id: item.id, reported }];
  });
}

/** A value as a height: bits are 0 and 1, an enum's word is its number. */
function height(v: number | boolean | string | null): number | null {
  if (typeof v === 'boolean') return v ? 1 : 0;
  return typeof v === 'number' && Number.isFinite(v) ? v : null;
}

export function readSeries(s: HistorySeries): Series {
  const { tag, unit, decimals, type, resolution, ts, q } = s;
  return {
    asset: s.asset_id,
    tag,
    unit,
    decimals,
    type,
    resolution,
    ts,
    v: s.v.map(height),
    q,
    gaps: s.gaps.map((g) => ({ ...g, from: toMs(g.from), to: toMs(g.to) })),
    backfilled: s.backfilled.map((b) => ({ from: toMs(b.from), to: toMs(b.to), arrived: toMs(b.arrived) })),
  };
}
