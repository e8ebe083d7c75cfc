import { qualityStatus } from './quality';

// One pen's readings as columns, and how they become lines: good readings a
// solid line, uncertain ones dotted, bad ones none, and never across a gap.

export interface Span {
  from: number;
  to: number;
}

export interface Gap extends Span {
  cause: string;
  count: number | null;
  open: boolean;
  detail: string;
}

export interface Backfill extends Span {
  arrived: number;
}

export interface Series {
  asset: string;
  tag: string;
  unit: string;
  decimals: number;
  type: string;
  /** "raw", "min-max" or an ISO 8601 duration. */
  resolution: string;
  ts: number[];
  v: (number | null)[];
  q: number[];
  gaps: Gap[];
  backfilled: Backfill[];
}

/** Adds live readings behind the last one; older or equal instants are already there and are skipped. */
export function append(s: Series, readings: readonly { ts: number; v: number | null; q: number }[]): Series {
  let last = s.ts.at(-1) ?? -Infinity;
  const fresh = readings.filter((r) => r.ts > last).sort((a, b) => a.ts - b.ts);
  if (fresh.length === 0) return s;
  const ts = s.ts.slice();
  const v = s.v.slice();
  const q = s.q.slice();
  for (const r of fresh) {
    if (r.ts <= last) continue;
    last = r.ts;
    ts.push(r.ts);
    v.push(r.v);
    q.push(r.q);
  }
  return { ...s, ts, v, q };
}

/** Drops readings before an instant, keeping the one just before it so that the line enters the plot. */
export function trim(s: Series, from: number): Series {
  let cut = 0;
  while (cut + 1 < s.ts.length && (s.ts[cut + 1] ?? 0) < from) cut++;
  return cut === 0 ? s : { ...s, ts: s.ts.slice(cut), v: s.v.slice(cut), q: s.q.slice(cut) };
}

export type Run = 'good' | 'uncertain' | 'backfilled';

export interface Lines {
  ts: number[];
  good: (number | null)[];
  uncertain: (number | null)[];
  backfilled: (number | null)[];
}

function within(spans: readonly Span[], t: number): boolean {
  return spans.some((s) => t >= s.from && t <= s.to);
}

/**
 * Splits a series into the three line styles. A null breaks a line; where the
 * style changes, the first point of the new run is in both, so lines join.
 * Between two readings on either side of a gap a break is put in.
 */
export function splitLines(s: Series): Lines {
  const out: Lines = { ts: [], good: [], uncertain: [], backfilled: [] };
  const put = (t: number, v: number | null, runs: readonly Run[]) => {
    out.ts.push(t);
    out.good.push(runs.includes('good') ? v : null);
    out.uncertain.push(runs.includes('uncertain') ? v : null);
    out.backfilled.push(runs.includes('backfilled') ? v : null);
  };
  const gaps = s.gaps.filter((g) => g.to > g.from).sort((a, b) => a.from - b.from);
  let g = 0;
  let before: Run | null = null;
  let prev = -Infinity;
  for (let i = 0; i < s.ts.length; i++) {
    const t = s.ts[i] ?? 0;
    const v = s.v[i] ?? null;
    while (g < gaps.length && (gaps[g]?.to ?? 0) <= prev) g++;
    const gap = gaps[g];
    if (gap !== undefined && prev <= gap.from && t >= gap.to && prev !== -Infinity) {
      put((Math.max(prev, gap.from) + Math.min(t, gap.to)) / 2, null, []);
      before = null;
    }
    const status = qualityStatus(s.q[i] ?? 0);
    if (v === null || status === 'bad') {
      put(t, null, []);
      before = null;
    } else {
      const run: Run = status === 'uncertain' ? 'uncertain' : within(s.backfilled, t) ? 'backfilled' : 'good';
      put(t, v, before !== null && before !== run ? [before, run] : [run]);
      before = run;
    }
    prev = t;
  }
  return out;
}

/** Stretches in which every reading was bad, as gaps with the cause "quality". */
export function qualityGaps(s: Series): { from: number; to: number; q: number }[] {
  const out: { from: number; to: number; q: number }[] = [];
  let open: { from: number; to: number; q: number } | null = null;
  for (let i = 0; i < s.ts.length; i++) {
    const bad = qualityStatus(s.q[i] ?? 0) === 'bad';
    const t = s.ts[i] ?? 0;
    if (bad && open === null) open = { from: t, to: t, q: s.q[i] ?? 0 };
    if (open !== null) {
      open.to = t;
      if (!bad) {
        out.push(open);
        open = null;
      }
    }
  }
  if (open !== null) out.push(open);
  return out;
}

/** Puts many pens on one time column, as uPlot wants: undefined says "nothing here, go on", null breaks a line. */
export function align(pens: readonly Lines[]): [number[], ...(number | null | undefined)[][]] {
  const all = new Set<number>();
  for (const p of pens) for (const t of p.ts) all.add(t);
  const ts = [...all].sort((a, b) => a - b);
  const at = new Map(ts.map((t, i) => [t, i]));
  const columns: (number | null | undefined)[][] = [];
  for (const p of pens) {
    for (const run of ['good', 'uncertain', 'backfilled'] as const) {
      const col = new Array<number | null | undefined>(ts.length).fill(undefined);
      p.ts.forEach((t, i) => {
        const k = at.get(t);
        if (k !== undefined) col[k] = p[run][i] ?? null;
      });
      spreadBreaks(col);
      columns.push(col);
    }
  }
  return [ts, ...columns];
}

/** A break lasts from reading to reading, also over the instants that only other pens have. */
function spreadBreaks(col: (number | null | undefined)[]): void {
  let broken = false;
  const step = (k: number) => {
    if (col[k] === undefined) {
      if (broken) col[k] = null;
    } else broken = col[k] === null;
  };
  for (let k = 0; k < col.length; k++) step(k);
  broken = false;
  for (let k = col.length - 1; k >= 0; k--) step(k);
}

export interface Summary {
  min: number | null;
  max: number | null;
  mean: number | null;
  last: number | null;
  /** Share of good readings, 0–1. */
  good: number | null;
}

/** What the table beside a trend says: over good readings between two instants. */
export function summarise(s: Series, from: number, to: number): Summary {
  let [n, ok, sum, min, max] = [0, 0, 0, Infinity, -Infinity];
  let last: number | null = null;
  for (let i = 0; i < s.ts.length; i++) {
    const t = s.ts[i] ?? 0;
    if (t < from || t > to) continue;
    n++;
    const v = s.v[i] ?? null;
    if (v === null || qualityStatus(s.q[i] ?? 0) !== 'good') continue;
    ok++;
    sum += v;
    min = Math.min(min, v);
    max = Math.max(max, v);
    last = v;
  }
  if (n === 0) return { min: null, max: null, mean: null, last: null, good: null };
  if (ok === 0) return { min: null, max: null, mean: null, last: null, good: 0 };
  return { min, max, mean: sum / ok, last, good: ok / n };
}

/** The index of the reading at or before an instant, or -1. */
export function indexBefore(ts: readonly number[], t: number): number {
  let lo = 0;
  let hi = ts.length - 1;
  let found = -1;
  while (lo <= hi) {
    const mid = (lo + hi) >> 1;
    if ((ts[mid] ?? 0) <= t) {
      found = mid;
      lo = mid + 1;
    } else hi = mid - 1;
  }
  return found;
}
