import { useLayoutEffect, useState, type RefObject } from 'react';

/** The height of an element, followed as it changes. */
export function useElementHeight(ref: RefObject<HTMLElement | null>, start: number): number {
  const [height, setHeight] = useState(start);
  useLayoutEffect(() => {
    const el = ref.current;
    if (el === null) return undefined;
    const seen = new ResizeObserver(() => setHeight(el.clientHeight));
    seen.observe(el);
    setHeight(el.clientHeight);
    return () => seen.disconnect();
  }, [ref]);
  return height;
}
