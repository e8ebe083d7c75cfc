import { call, type Result } from './call';
import { session, setSession, type Session } from './session';
import type { Me, ReplayOrder, ReplayResult } from './types';

// What people do, as opposed to read.

/** Signs in; the session is kept only when it is granted. */
export async function login(user: string, password: string): Promise<Result<Session>> {
  const r = await call<Session>('POST', '/login', { body: { user, password } });
  if (r.ok) setSession(r.data);
  return r;
}

/** Signs out, on the server as far as it can be reached, here in any case. */
export async function logout(): Promise<void> {
  if (session() !== null) await call('POST', '/logout');
  setSession(null);
}

/** The kinds of file a history comes as. */
export const fileTypes = {
  csv: 'text/csv',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  parquet: 'application/vnd.apache.parquet',
} as const;
export type FileType = keyof typeof fileTypes;

/** Every reading of a trend as a file, bad ones with their quality, the instants in UTC. */
export async function historyFile(
  tags: readonly string[],
  from: string,
  to: string,
  type: FileType,
): Promise<Result<Blob>> {
  return call<Blob>('GET', '/history', {
    query: { tag: tags, from, to, quality: 'all' },
    accept: fileTypes[type],
  });
}

/** Takes a token somebody handed us as the session, for as long as the page lives. */
export async function adopt(token: string): Promise<Result<Me>> {
  setSession({ token, user: '', tenant: '', roles: [], expires_at: '' }, false);
  const r = await call<Me>('GET', '/me');
  if (r.ok) setSession({ ...r.data, token }, false);
  return r;
}

/** Lets dead letters in again, or says what would become of them. */
export async function replayLetters(order: Partial<ReplayOrder>): Promise<Result<ReplayResult>> {
  return call<ReplayResult>('POST', '/deadletters/replay', { body: order });
}
