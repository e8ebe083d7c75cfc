import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { buildTree } from '../twin/tree';
import type { Series } from '../twin/series';
import { call, unwrap } from './call';
import { readReported, readSeries } from './read';
import {
  toMs,
  type Asset,
  type ClassList,
  type DeadLetterPage,
  type DevicePage,
  type Flow,
  type GapPage,
  type History,
  type LetterPreview,
  type Me,
  type Overview,
  type RelationList,
  type TreeAnswer,
  type Twin,
} from './types';

// What pages read, by name. Live parts are kept fresh by the stream; the
// intervals here are only the floor.

export const overviewQuery = queryOptions({
  queryKey: ['overview'],
  queryFn: ({ signal }) => unwrap(call<Overview>('GET', '/overview', { signal })),
  staleTime: 5_000,
});

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => unwrap(call<Me>('GET', '/me', { signal })),
  staleTime: 300_000,
});

export const treeQuery = queryOptions({
  queryKey: ['tree'],
  queryFn: async ({ signal }) => buildTree(await unwrap(call<TreeAnswer>('GET', '/assets/tree', { signal }))),
  staleTime: 60_000,
  structuralSharing: false,
});

export const classesQuery = queryOptions({
  queryKey: ['classes'],
  queryFn: ({ signal }) => unwrap(call<ClassList>('GET', '/classes', { signal })),
  staleTime: 600_000,
});

export function assetQuery(id: string) {
  return queryOptions({
    queryKey: ['asset', id],
    queryFn: ({ signal }) => unwrap(call<Asset>('GET', `/assets/${encodeURIComponent(id)}`, { signal })),
    staleTime: 60_000,
  });
}

export function twinQuery(id: string) {
  return queryOptions({
    queryKey: ['twin', id],
    queryFn: async ({ signal }) => {
      const t = await unwrap(call<Twin>('GET', `/assets/${encodeURIComponent(id)}/twin`, { signal }));
      return { ...t, readings: readReported(t.reported) };
    },
    staleTime: 10_000,
    refetchInterval: 30_000, // the device's state is not on the twin's topic
  });
}

export function relationsQuery(id: string) {
  return queryOptions({
    queryKey: ['relations', id],
    queryFn: ({ signal }) =>
      unwrap(call<RelationList>('GET', `/assets/${encodeURIComponent(id)}/relations`, { signal })),
    staleTime: 60_000,
  });
}

export interface HistoryAsk {
  /** "<asset id>:<tag>" each. */
  tags: readonly string[];
  from: string;
  to: string;
  points: number;
  /** Bad readings too: trends show them as gaps with a reason. */
  all?: boolean;
}

export interface HistoryRead {
  from: number;
  to: number;
  series: Series[];
}

export function historyQuery(ask: HistoryAsk, refetch: number | false = false) {
  return queryOptions({
    queryKey: ['history', ask],
    queryFn: async ({ signal }): Promise<HistoryRead> => {
      const query = {
        tag: ask.tags,
        from: ask.from,
        to: ask.to,
        max_points: ask.points,
        quality: ask.all === true ? 'all' : 'good',
      };
      const h = await unwrap(call<History>('GET', '/history', { query, signal }));
      return { from: toMs(h.from), to: toMs(h.to), series: h.series.map(readSeries) };
    },
    enabled: ask.tags.length > 0,
    staleTime: 30_000,
    refetchInterval: refetch,
    placeholderData: keepPreviousData,
  });
}

export interface DeviceAsk {
  site?: string | undefined;
  kind?: string | undefined;
  online?: string | undefined;
  q?: string | undefined;
}

export function devicesQuery(ask: DeviceAsk, limit = 1000) {
  return queryOptions({
    queryKey: ['devices', ask, limit],
    queryFn: ({ signal }) =>
      unwrap(call<DevicePage>('GET', '/devices', { query: { ...ask, limit }, signal })),
    staleTime: 10_000,
    refetchInterval: 15_000,
    placeholderData: keepPreviousData,
  });
}

export function gapsQuery(open: boolean | undefined, limit = 200) {
  return queryOptions({
    queryKey: ['gaps', open, limit],
    queryFn: ({ signal }) => unwrap(call<GapPage>('GET', '/gaps', { query: { open, limit }, signal })),
    refetchInterval: 10_000,
  });
}

export const flowQuery = queryOptions({
  queryKey: ['flow'],
  queryFn: ({ signal }) => unwrap(call<Flow>('GET', '/flow', { signal })),
  refetchInterval: 2_000,
});

export function previewQuery(id: string) {
  return queryOptions({
    queryKey: ['deadletters', 'preview', id],
    queryFn: ({ signal }) =>
      unwrap(call<LetterPreview>('GET', `/deadletters/${encodeURIComponent(id)}/preview`, { signal })),
    staleTime: 0,
  });
}

export function deadLettersQuery(limit = 200) {
  return queryOptions({
    queryKey: ['deadletters', limit],
    queryFn: ({ signal }) =>
      unwrap(call<DeadLetterPage>('GET', '/deadletters', { query: { limit }, signal })),
    refetchInterval: 10_000,
  });
}
