import type { Reading, Value } from './model';

// The newest reading of every tag the page listens to. Batches come in, and
// whoever draws an asset hears of it once per batch.

export interface LiveItem {
  id: string;
  reported: Record<string, { v: Value; q: number; ts: number; limit: string }>;
}

export type Readings = Readonly<Record<string, Reading>>;

/** Holds readings by asset id; older readings never replace newer ones. */
export class LiveValues {
  private readonly assets = new Map<string, Readings>();
  private readonly listeners = new Map<string, Set<() => void>>();

  get(id: string): Readings | undefined {
    return this.assets.get(id);
  }

  /** Calls back after every batch that touches the asset; returns the way to stop. */
  listen(id: string, fn: () => void): () => void {
    const set = this.listeners.get(id) ?? new Set();
    set.add(fn);
    this.listeners.set(id, set);
    return () => {
      set.delete(fn);
      if (set.size === 0) this.listeners.delete(id);
    };
  }

  apply(items: readonly LiveItem[]): void {
    for (const item of items) {
      const next: Record<string, Reading> = { ...this.assets.get(item.id) };
      for (const [tag, r] of Object.entries(item.reported)) {
        const old = next[tag];
        if (old !== undefined && old.ts > r.ts) continue;
        next[tag] = { v: r.v, q: r.q, ts: r.ts, limit: r.limit, stale: false };
      }
      this.assets.set(item.id, next);
      this.listeners.get(item.id)?.forEach((fn) => fn());
    }
  }

  /** Forgets everything, for when the stream says it cannot go on from where it was. */
  clear(): void {
    this.assets.clear();
    this.listeners.forEach((set) => set.forEach((fn) => fn()));
  }
}

/** What was read together with what came since; the newer instant wins. */
export function merge(read: Readings | undefined, live: Readings | undefined): Readings {
  if (live === undefined) return read ?? {};
  if (read === undefined) return live;
  const out: Record<string, Reading> = { ...read };
  for (const [tag, r] of Object.entries(live)) {
    const old = out[tag];
    if (old === undefined || r.ts >= old.ts)
      out[tag] = { ...r, received: r.ts === old?.ts ? old.received : r.received };
  }
  return out;
}
