import type { Tag } from '../twin/model';
import type { Readings, LiveItem } from '../twin/live';
import type { Series } from '../twin/series';
import { toMs, type HistorySeries, type Reported } from './types';

// From the wire's shapes to the console's own: instants become numbers, what
// may be missing gets its neutral value.

export function readReported(reported: Record<string, Reported>): Readings {
  const out: Record<string, Readings[string]> = {};
  for (const [tag, r] of Object.entries(reported)) {
    out[tag] = {
      v: r.v,
      q: r.q,
      ts: toMs(r.ts),
      received: r.received === undefined ? undefined : toMs(r.received),
      limit: r.limit_state ?? '',
      stale: r.stale ?? false,
    };
  }
  return out;
}

/** A twin event of the stream; anything that does not look like one is no item. */
export function readLive(data: unknown): LiveItem[] {
  const items = (data as { items?: unknown } | null)?.items;
  if (!Array.isArray(items)) return [];
  return (items as { id?: unknown; reported?: Record<string, Reported> }[]).flatMap((item) => {
    if (typeof item.id !== 'string' || item.reported === undefined) return [];
    const reported: LiveItem['reported'] = {};
    for (const [tag, r] of Object.entries(item.reported)) {
      reported[tag] = { v: r.v, q: r.q, ts: toMs(r.ts), limit: r.limit_state ?? '' };
    }
    return [{ id: item.id, reported }];
  });
}

function number(v: number | boolean | string | null): number | null {
  if (typeof v === 'boolean') return v ? 1 : 0;
  return typeof v === 'number' && Number.isFinite(v) ? v : null;
}

export function readSeries(s: HistorySeries): Series {
  return {
    asset: s.asset_id,
    tag: s.tag,
    unit: s.unit,
    decimals: s.decimals,
    type: s.type,
    resolution: s.resolution,
    ts: s.ts,
    v: s.v.map(number),
    q: s.q,
    gaps: (s.gaps ?? []).map((g) => ({
      from: toMs(g.from),
      to: toMs(g.to),
      cause: g.cause,
      count: g.count,
      open: g.open,
      detail: g.detail ?? '',
    })),
    backfilled: (s.backfilled ?? []).map((b) => ({
      from: toMs(b.from),
      to: toMs(b.to),
      arrived: toMs(b.arrived),
    })),
  };
}

/** A tag with every optional part in place. */
export function readTag(t: Partial<Tag> & { name: string; type: string }): Tag {
  return {
    name: t.name,
    title: t.title ?? '',
    type: t.type,
    unit: t.unit ?? '',
    decimals: t.decimals ?? 0,
    range: t.range ?? {},
    normal: t.normal ?? {},
    limits: t.limits ?? {},
    states: t.states ?? [],
    interval_ms: t.interval_ms ?? 0,
    writable: t.writable ?? false,
    setpoint: t.setpoint,
  };
}
