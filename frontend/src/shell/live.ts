import type { QueryClient } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { onReach } from '../api/call';
import { readLive } from '../api/read';
import { session } from '../api/session';
import { Stream, type StreamEvent } from '../api/stream';
import { toMs, type Device, type DevicePage, type Overview } from '../api/types';
import type { Readings } from '../twin/live';
import { liveValues, useLink } from './stores';

// Joins the stream to what the pages show. Pages say which topics they need;
// the set of all of them is one connection.

const wanted = new Map<string, number>();
let stream: Stream | null = null;
let pending: ReturnType<typeof setTimeout> | undefined;

function update(): void {
  clearTimeout(pending);
  // A change of page drops and takes topics in the same breath.
  pending = setTimeout(() => {
    if (session() === null) stream?.close();
    else stream?.listen([...wanted.keys()]);
  }, 20);
}

function want(topic: string): () => void {
  wanted.set(topic, (wanted.get(topic) ?? 0) + 1);
  update();
  return () => {
    const n = (wanted.get(topic) ?? 1) - 1;
    if (n === 0) wanted.delete(topic);
    else wanted.set(topic, n);
    update();
  };
}

/** Listens to a topic for as long as the component is there. */
export function useTopic(topic: string | null): void {
  useEffect(() => (topic === null ? undefined : want(topic)), [topic]);
}

/** The live readings of an asset; drawing again once per batch. */
export function useReadings(id: string): Readings | undefined {
  return useSyncExternalStore(
    (fn) => liveValues.listen(id, fn),
    () => liveValues.get(id),
  );
}

function heard(client: QueryClient, e: StreamEvent): void {
  switch (e.event) {
    case 'hello': {
      const d = e.data as { server_time?: string; version?: string };
      if (d.server_time !== undefined) useLink.setState({ clockOffset: toMs(d.server_time) - Date.now() });
      if (d.version !== undefined) useLink.setState({ serverVersion: d.version });
      break;
    }
    case 'twin':
      liveValues.apply(readLive(e.data));
      break;
    case 'fleet': {
      const o = e.data as Overview;
      client.setQueryData(['overview'], o);
      useLink.setState({ clockOffset: toMs(o.server_time) - Date.now() });
      break;
    }
    case 'device':
      patchDevices(client, (e.data as Pick<DevicePage, 'items'>).items);
      break;
    case 'reset':
      liveValues.clear();
      void client.invalidateQueries();
      break;
    default: // an event this console does not know yet
  }
}

function patchDevices(client: QueryClient, changed: readonly Device[]): void {
  const by = new Map(changed.map((d) => [d.device_id, d]));
  client.setQueriesData<DevicePage>({ queryKey: ['devices'] }, (page) =>
    page === undefined ? page : { ...page, items: page.items.map((d) => by.get(d.device_id) ?? d) },
  );
}

/** Opens the page's way to the backend; returns the way to close it. */
export function startLive(client: QueryClient): () => void {
  onReach((up) => {
    const { downSince } = useLink.getState();
    if (up && downSince !== null) {
      useLink.setState({ downSince: null });
      stream?.now();
      void client.invalidateQueries();
    } else if (!up && downSince === null) useLink.setState({ downSince: Date.now() });
  });
  let broken = false;
  stream = new Stream({
    event: (e) => heard(client, e),
    state: (s) => {
      useLink.setState({ stream: s });
      if (s.kind === 'lost') {
        broken = true;
        // Asking once tells a broken stream from a dead backend, and a dead token.
        void client.invalidateQueries({ queryKey: ['me'] });
      }
      if (s.kind === 'live' && broken) {
        broken = false;
        useLink.setState({ downSince: null });
        void client.invalidateQueries(); // fill what was missed
      }
    },
  });
  update();
  return () => {
    stream?.close();
    stream = null;
  };
}

/** Takes up or drops the stream after somebody signed in or out. */
export function sessionChanged(): void {
  liveValues.clear();
  update();
}

/** Tries the stream again at once. */
export function retryStream(): void {
  stream?.now();
}
