import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useRef, type KeyboardEvent } from 'react';
import type { AssetSearch } from '../../shell/url';
import { moved, noCursors, readCursor, writeCursor, type CursorName, type Cursors } from '../../twin/cursor';
import type { Span } from '../../twin/series';

const STEP = 1 / 240; // of the view, one press of an arrow
const LEAP = 10; // times that with shift

/**
 * The cursors A and B, kept in the address. A click sets A and with shift B;
 * the keys a and b choose one, arrows move it, Escape takes both away. Back
 * does not go through their positions.
 */
export function useCursors(view: Span, pointer: number | null) {
  const search: AssetSearch = useSearch({ strict: false });
  const navigate = useNavigate();
  const active = useRef<CursorName>('a');
  const cursors = useMemo<Cursors>(
    () => ({ a: readCursor(search.a), b: readCursor(search.b) }),
    [search.a, search.b],
  );
  const set = useCallback(
    (c: Cursors) =>
      void navigate({
        to: '.',
        search: (old: AssetSearch): AssetSearch => ({ ...old, a: writeCursor(c.a), b: writeCursor(c.b) }),
        replace: true,
      }),
    [navigate],
  );
  const place = (which: CursorName, at: number) => {
    active.current = which;
    set({ ...cursors, [which]: at });
  };
  const clear = useCallback(() => set(noCursors), [set]);
  const some = cursors.a !== null || cursors.b !== null;
  useEffect(() => {
    if (!some) return undefined;
    // Escape belongs to what is open or being typed in first.
    const onEscape = (e: globalThis.KeyboardEvent) => {
      const at = document.activeElement;
      if (e.key !== 'Escape' || e.defaultPrevented) return;
      if (at === null || at === document.body || at.closest('.tt-plots') !== null) clear();
    };
    window.addEventListener('keydown', onEscape);
    return () => window.removeEventListener('keydown', onEscape);
  }, [some, clear]);
  const onKey = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const share = { a: 0, b: 0, ArrowLeft: -STEP, ArrowRight: STEP }[
      e.key.length === 1 ? e.key.toLowerCase() : e.key
    ];
    if (share === undefined) return;
    e.preventDefault();
    if (share === 0) active.current = e.key.toLowerCase() === 'b' ? 'b' : 'a';
    const which = active.current;
    // Choosing a cursor that stands leaves it where it is, even outside the view.
    if (share === 0 && cursors[which] !== null) return;
    set(moved(cursors, which, share * (e.shiftKey ? LEAP : 1), view, pointer));
  };
  return { cursors, place, clear, onKey };
}
