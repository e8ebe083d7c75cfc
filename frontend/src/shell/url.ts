import { useNavigate, useSearch } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import { historyQuery, overviewQuery } from '../api/queries';
import { readVersus, type Versus } from '../twin/compare';
import { readCursor, writeCursor } from '../twin/cursor';
import { defaultRange, rangeForAge, span, type Range, type Span } from '../twin/range';
import { resolveZone, type ZoneChoice } from '../twin/time';
import { serverNow, useClock } from './stores';

// The URL is the state: what every page shares is read and written here.

/** What the address of every page may carry. */
export interface Shared {
  tz?: ZoneChoice;
  from?: string;
  to?: string;
}

const text = (v: unknown): string | undefined => (typeof v === 'string' && v !== '' ? v : undefined);

export function sharedSearch(raw: Record<string, unknown>): Shared {
  const tz = raw['tz'];
  const out: Shared = {};
  if (tz === 'utc' || tz === 'site' || tz === 'me') out.tz = tz;
  const from = text(raw['from']);
  const to = text(raw['to']);
  if (from !== undefined) out.from = from;
  if (to !== undefined) out.to = to;
  return out;
}

export type AssetTab = 'overview' | 'trend' | 'relations' | 'nameplate';

export interface AssetSearch extends Shared {
  tab?: AssetTab;
  /** Tag names, comma separated. */
  pens?: string;
  /** The trend's cursors, instants in UTC. */
  a?: string;
  b?: string;
  /** What the trend is compared with. */
  vs?: Versus;
  /** The tree's filter. */
  q?: string;
}

export function assetSearch(raw: Record<string, unknown>): AssetSearch {
  const out: AssetSearch = sharedSearch(raw);
  const { tab } = raw;
  if (tab === 'trend' || tab === 'relations' || tab === 'nameplate') out.tab = tab;
  const pens = text(raw['pens']);
  const q = text(raw['q']);
  if (pens !== undefined) out.pens = pens;
  if (q !== undefined) out.q = q;
  for (const key of ['a', 'b'] as const) {
    const at = writeCursor(readCursor(text(raw[key])));
    if (at !== undefined) out[key] = at;
  }
  const vs = readVersus(raw['vs']);
  if (vs !== undefined) out.vs = vs;
  return out;
}

export interface FleetSearch extends Shared {
  site?: string;
  kind?: string;
  online?: 'true' | 'false';
  q?: string;
}

export function fleetSearch(raw: Record<string, unknown>): FleetSearch {
  const out: FleetSearch = sharedSearch(raw);
  for (const key of ['site', 'kind', 'q'] as const) {
    const v = text(raw[key]);
    if (v !== undefined) out[key] = v;
  }
  const { online } = raw;
  if (online === 'true' || online === 'false') out.online = online;
  return out;
}

/** The range in the URL and the way to change it; each change is a step Back undoes. */
export function useRange(): { range: Range; set: (r: Range) => void; start: string } {
  const search: Shared = useSearch({ strict: false });
  const navigate = useNavigate();
  const start = useStartRange();
  const range = useMemo(
    () => ({ from: search.from ?? start, to: search.to ?? defaultRange.to }),
    [search.from, search.to, start],
  );
  const set = useCallback(
    (r: Range) => {
      const plain = r.from === start && r.to === defaultRange.to;
      void navigate({
        to: '.',
        search: (old: Shared) => ({
          ...old,
          from: plain ? undefined : r.from,
          to: plain || r.to === 'now' ? undefined : r.to,
        }),
      });
    },
    [navigate, start],
  );
  return { range, set, start };
}

/** Where ranges begin when the address does not say: eight hours ago, or when a young plant's data began. */
function useStartRange(): string {
  const top = useQuery(overviewQuery).data?.enterprise.id;
  const ask = { tags: top === undefined ? [] : [`${top}:connectivity_pct`], ...defaultRange, points: 100 };
  const first = useQuery(historyQuery(ask)).data?.series[0]?.ts[0];
  return first === undefined ? defaultRange.from : rangeForAge(serverNow() - first).from;
}

/** The range as instants, following the clock while it ends now. */
export function useSpan(): Span {
  const { range } = useRange();
  const now = useClock((s) => s.now);
  return span(range, now);
}

/** The zone to write times in: on the pages of one site the site's, if so chosen. */
export function useZone(path?: readonly string[]): {
  choice: ZoneChoice;
  zone: string;
  set: (z: ZoneChoice) => void;
} {
  const search: Shared = useSearch({ strict: false });
  const navigate = useNavigate();
  const { data } = useQuery({ ...overviewQuery, enabled: path !== undefined });
  const choice = search.tz ?? 'site';
  const site = path?.[1];
  const zone = resolveZone(choice, data?.sites.find((s) => s.name === site)?.time_zone);
  const set = useCallback(
    (tz: ZoneChoice) => {
      void navigate({
        to: '.',
        search: (old: Shared) => ({ ...old, tz: tz === 'site' ? undefined : tz }),
        replace: true,
      });
    },
    [navigate],
  );
  return { choice, zone, set };
}

/** The address of an asset as the router wants it. */
export function assetLink(path: string, search: AssetSearch = {}) {
  return {
    to: '/a/$' as const,
    params: { _splat: path },
    search: (old: Shared) => ({ ...sharedSearch({ ...old }), ...search }),
  };
}
