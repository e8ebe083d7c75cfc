import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { twinQuery } from '../../api/queries';
import { useReadings, useTopic } from '../../shell/live';
import { merge } from '../../twin/live';

/** An asset's twin, read once and then followed live. */
export function useTwin(id: string) {
  useTopic(`twin:${id}`);
  const query = useQuery(twinQuery(id));
  const live = useReadings(id);
  const read = query.data?.readings;
  const readings = useMemo(() => merge(read, live), [read, live]);
  return { query, twin: query.data, readings };
}
