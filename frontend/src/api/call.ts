import { session, setSession } from './session';

// The one place that speaks HTTP. A call answers with a union; nothing is
// thrown but an abort.

export interface Problem {
  /** 0 when there was no answer at all. */
  status: number;
  title: string;
  detail: string;
  hint: string;
  request_id: string;
  errors: { field: string; value: string; message: string }[];
}

export type Result<T> = { ok: true; data: T } | { ok: false; problem: Problem };

let origin = '';

/** Points every call at a backend; empty is the page's own origin. */
export function setOrigin(url: string): void {
  origin = url.replace(/\/+$/, '');
}

export function url(path: string): string {
  return origin + path;
}

export function authHeader(): Record<string, string> {
  const s = session();
  return s === null ? {} : { Authorization: `Bearer ${s.token}` };
}

type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

export interface Options {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  /** Another media type than JSON comes as a Blob, as it was sent. */
  accept?: string;
}

function search(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    for (const v of Array.isArray(value) ? (value as readonly string[]) : [String(value)])
      params.append(name, v);
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

function text(v: unknown): string {
  return typeof v === 'string' ? v : typeof v === 'number' ? String(v) : '';
}

/** Reads an answer that is not 2xx, problem+json or not. */
export function toProblem(status: number, body: unknown): Problem {
  const b = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const errors = Array.isArray(b['errors']) ? (b['errors'] as Record<string, unknown>[]) : [];
  return {
    status,
    title: text(b['title']) || `HTTP ${status}`,
    detail: text(b['detail']),
    hint: text(b['hint']),
    request_id: text(b['request_id']),
    errors: errors.map((e) => ({
      field: text(e['field'] ?? e['location']),
      value: text(e['value']),
      message: text(e['message']),
    })),
  };
}

/** Hears whether calls get through: true on any answer, false when there was none. */
let reach: (up: boolean) => void = () => undefined;
export function onReach(fn: (up: boolean) => void): void {
  reach = fn;
}

/** One request under /api/v1. A 401 signs out, because the token is worth nothing any more. */
export async function call<T>(method: string, path: string, options: Options = {}): Promise<Result<T>> {
  const { query = {}, body, signal, accept = 'application/json' } = options;
  const headers: Record<string, string> = { Accept: accept, ...authHeader() };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const init: RequestInit = { method, headers, credentials: 'omit' };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal !== undefined) init.signal = signal;
  let answer: Response;
  try {
    answer = await fetch(url(`/api/v1${path}${search(query)}`), init);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    reach(false);
    return { ok: false, problem: toProblem(0, { title: 'unreachable', detail: String(cause) }) };
  }
  // A proxy in front of a dead backend answers for it.
  reach(answer.status < 502 || answer.status > 504);
  if (answer.status === 401 && path !== '/login') setSession(null);
  if (!answer.ok)
    return { ok: false, problem: toProblem(answer.status, await answer.json().catch(() => null)) };
  if (answer.status === 204) return { ok: true, data: undefined as T };
  try {
    return { ok: true, data: (await (accept === 'application/json' ? answer.json() : answer.blob())) as T };
  } catch (cause) {
    return { ok: false, problem: toProblem(answer.status, { title: 'unreadable', detail: String(cause) }) };
  }
}

/** A problem as an error, for the query cache, which knows only those. */
export class Failure extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
    this.name = 'Failure';
  }
}

export async function unwrap<T>(answer: Promise<Result<T>>): Promise<T> {
  const r = await answer;
  if (r.ok) return r.data;
  throw new Failure(r.problem);
}
