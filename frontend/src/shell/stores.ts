import { create } from 'zustand';
import type { StreamState } from '../api/stream';
import { LiveValues } from '../twin/live';

// What the whole page shares: the state of the way to the backend, the clock,
// the theme.

export interface Link {
  /** When the backend stopped answering, Unix ms; null while it answers. */
  downSince: number | null;
  stream: StreamState;
  /** How far the server's clock is ahead of ours, ms. */
  clockOffset: number;
  serverVersion: string;
}

export const useLink = create<Link>(() => ({
  downSince: null,
  stream: { kind: 'idle' },
  clockOffset: 0,
  serverVersion: '',
}));

export const liveValues = new LiveValues();

/** The server's time in Unix ms, as far as we know it. */
export function serverNow(): number {
  return Date.now() + useLink.getState().clockOffset;
}

/** The second that ages are counted from; one timer for the page. */
export const useClock = create<{ now: number }>(() => ({ now: Date.now() }));

/** Starts the page's clock; returns the way to stop it. */
export function startClock(): () => void {
  const tick = () => useClock.setState({ now: serverNow() });
  tick();
  const timer = setInterval(tick, 1000);
  return () => clearInterval(timer);
}

export type Theme = 'light' | 'dark' | 'system';

function storedTheme(): Theme {
  try {
    const v = localStorage.getItem('lineshaft.theme');
    return v === 'light' || v === 'dark' ? v : 'system';
  } catch {
    return 'system';
  }
}

const darkMedia = window.matchMedia('(prefers-color-scheme: dark)');

function effective(theme: Theme): 'light' | 'dark' {
  if (theme !== 'system') return theme;
  return darkMedia.matches ? 'dark' : 'light';
}

export const useTheme = create<{ choice: Theme; shown: 'light' | 'dark' }>(() => ({
  choice: storedTheme(),
  shown: effective(storedTheme()),
}));

function show(choice: Theme): void {
  const shown = effective(choice);
  document.documentElement.dataset['theme'] = shown;
  document.documentElement.dataset['mantineColorScheme'] = shown;
  useTheme.setState({ choice, shown });
}

/** Chooses a theme and remembers it. */
export function setTheme(choice: Theme): void {
  try {
    if (choice === 'system') localStorage.removeItem('lineshaft.theme');
    else localStorage.setItem('lineshaft.theme', choice);
  } catch {
    // it holds until the page is closed
  }
  show(choice);
}

darkMedia.addEventListener('change', () => show(useTheme.getState().choice));
