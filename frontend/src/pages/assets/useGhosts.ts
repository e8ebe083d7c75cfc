import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { historyQuery } from '../../api/queries';
import { earlier, earlierLabel, shifted, shiftOf, type Versus } from '../../twin/compare';
import type { Series, Span } from '../../twin/series';

/** What the pens are compared with: earlier readings, moved onto the view, by tag. */
export interface Ghosts {
  vs: Versus;
  /** When the earlier stretch was. */
  label: string;
  series: ReadonlyMap<string, Series>;
}

/** The same tags over an earlier stretch; null when nothing is compared. */
export function useGhosts(
  asset: string,
  tags: readonly string[],
  vs: Versus | undefined,
  view: Span,
  zone: string,
): Ghosts | null {
  const shift = vs === undefined ? 0 : shiftOf(vs, view, zone);
  const { from, to } = earlier(view, shift);
  const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');
  const { data } = useQuery(
    historyQuery({
      tags: vs === undefined ? [] : tags.map((x) => `${asset}:${x}`),
      from: iso(from),
      to: iso(to),
      points: 800,
      all: true,
    }),
  );
  const label = vs === undefined ? '' : earlierLabel(vs, view, shift, zone);
  return useMemo(() => {
    if (vs === undefined) return null;
    const series = new Map<string, Series>();
    // An answer kept from another comparison does not belong here.
    const same = data !== undefined && Math.abs(data.from - from) <= 120_000;
    for (const s of same ? data.series : []) if (s.asset === asset) series.set(s.tag, shifted(s, shift));
    return { vs, label, series };
  }, [vs, label, data, asset, shift, from]);
}
