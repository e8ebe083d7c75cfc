import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { historyQuery } from '../../api/queries';
import { useClock } from '../../shell/stores';
import { useRange } from '../../shell/url';
import type { Readings } from '../../twin/live';
import { numeric, type Reading } from '../../twin/model';
import { span } from '../../twin/range';
import { append, trim, type Series } from '../../twin/series';

type Tail = Map<string, { ts: number; v: number | null; q: number }[]>;

function value(r: Reading): number | null {
  return typeof r.v === 'boolean' ? Number(r.v) : numeric(r.v);
}

/**
 * The history of some tags of one asset over the page's range, with what the
 * stream brought since put behind it. The server is asked again now and then,
 * because it alone knows of gaps and late data.
 */
export function useHistory(asset: string, tags: readonly string[], readings: Readings, points: number) {
  const { range } = useRange();
  const live = range.to === 'now';
  const query = useQuery(
    historyQuery(
      { tags: tags.map((x) => `${asset}:${x}`), ...range, points, all: true },
      live ? 60_000 : false,
    ),
  );
  const tail = useRef<Tail>(new Map());
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    tail.current = new Map();
  }, [asset]);
  useEffect(() => {
    if (!live) return;
    let grown = false;
    for (const [tag, r] of Object.entries(readings)) {
      const list = tail.current.get(tag) ?? [];
      if ((list.at(-1)?.ts ?? 0) >= r.ts) continue;
      list.push({ ts: r.ts, v: value(r), q: r.q });
      if (list.length > 5000) list.splice(0, 1000);
      tail.current.set(tag, list);
      grown = true;
    }
    if (grown) setTurn((n) => n + 1);
  }, [readings, live]);
  const { data } = query;
  const series = useMemo(() => {
    const out = new Map<string, Series>();
    if (turn < 0) return out; // a turn says that the tail has grown
    for (const s of data?.series ?? []) {
      if (s.asset !== asset) continue; // still the former asset's answer
      const { from } = span(range, useClock.getState().now);
      out.set(s.tag, live ? trim(append(s, tail.current.get(s.tag) ?? []), from) : s);
    }
    return out;
  }, [data, asset, live, range, turn]);
  return {
    series,
    pending: query.isPending,
    fetching: query.isFetching,
    error: query.error,
    refetch: query.refetch,
  };
}
