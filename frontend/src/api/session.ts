import type { Login } from './types';

// Who is signed in, kept for the next tab until the token expires.

export type Session = Login;

const key = 'lineshaft.session';
let current: Session | null = null;
const listeners = new Set<() => void>();

function read(): Session | null {
  try {
    const raw = localStorage.getItem(key);
    if (raw === null) return null;
    const s: unknown = JSON.parse(raw);
    if (typeof s !== 'object' || s === null || !('token' in s) || !('expires_at' in s)) return null;
    const session = s as Session;
    return Date.parse(session.expires_at) > Date.now() ? session : null;
  } catch {
    return null;
  }
}

/** The session, or null when nobody is signed in. */
export function session(): Session | null {
  current ??= read();
  return current;
}

/** Signs in or, with null, out. `keep` false leaves nothing on disk, as the desktop shell wants. */
export function setSession(next: Session | null, keep = true): void {
  current = next;
  try {
    if (next === null) localStorage.removeItem(key);
    else if (keep) localStorage.setItem(key, JSON.stringify(next));
  } catch {
    // without storage the session lives as long as the page
  }
  listeners.forEach((fn) => fn());
}

export function onSession(fn: () => void): () => void {
  listeners.add(fn);
  const other = (e: StorageEvent) => {
    if (e.key !== key) return;
    current = null;
    fn();
  };
  window.addEventListener('storage', other);
  return () => {
    listeners.delete(fn);
    window.removeEventListener('storage', other);
  };
}
