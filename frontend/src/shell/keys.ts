import { useEffect, useRef } from 'react';

// Keys of the whole page. Single letters are off while somebody types.

export interface Actions {
  palette: () => void;
  help: () => void;
  zone: () => void;
  overview: () => void;
  assets: () => void;
  fleet: () => void;
  system: () => void;
}

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.matches('input, textarea, select') || target.isContentEditable)
  );
}

/** Puts the cursor into the page's filter, if it has one. */
export function focusFilter(): boolean {
  const field = document.querySelector<HTMLInputElement>('[data-filter]');
  field?.focus();
  field?.select();
  return field !== null;
}

export function useKeys(actions: Actions): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    let goUntil = 0;
    const onKey = (e: KeyboardEvent) => {
      const act = latest.current;
      if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') {
        e.preventDefault();
        act.palette();
        return;
      }
      if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target)) return;
      // The tree takes letters for its own type-ahead.
      const inTree = e.target instanceof HTMLElement && e.target.closest('[role=treegrid]') !== null;
      if (e.timeStamp < goUntil) {
        goUntil = 0;
        const go = { o: act.overview, a: act.assets, f: act.fleet, s: act.system }[e.key];
        if (go !== undefined) {
          e.preventDefault();
          go();
        }
        return;
      }
      if (e.key === '/') {
        if (focusFilter()) e.preventDefault();
      } else if (e.key === '?') act.help();
      else if (inTree) return;
      else if (e.key === 'g') goUntil = e.timeStamp + 1200;
      else if (e.key === 'u') act.zone();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}
