import type { Tree } from './tree';

// What a key does in the tree, decided without a page: WAI-ARIA's treegrid keys.

export type TreeMove =
  | { kind: 'focus'; index: number }
  | { kind: 'open'; row: number }
  | { kind: 'close'; row: number }
  | { kind: 'select'; row: number }
  | { kind: 'type'; char: string };

export interface TreeView {
  tree: Tree;
  rows: Int32Array;
  open: Uint8Array;
  /** Rows that fit on the screen. */
  page: number;
  /** While a filter is on, everything kept is open and cannot be closed. */
  filtered: boolean;
}

/** The move a key asks for, or null when the key means nothing here. */
export function treeKey(view: TreeView, index: number, key: string): TreeMove | null {
  const { tree, rows, open, page, filtered } = view;
  const last = rows.length - 1;
  const row = rows[index];
  if (row === undefined) return null;
  const leaf = (tree.end[row] ?? 0) === row + 1;
  const focus = (to: number): TreeMove => ({ kind: 'focus', index: Math.min(last, Math.max(0, to)) });
  switch (key) {
    case 'ArrowDown':
      return focus(index + 1);
    case 'ArrowUp':
      return focus(index - 1);
    case 'PageDown':
      return focus(index + page);
    case 'PageUp':
      return focus(index - page);
    case 'Home':
      return focus(0);
    case 'End':
      return focus(last);
    case 'ArrowRight':
      if (leaf) return null;
      if (filtered || open[row] === 1) return focus(index + 1);
      return { kind: 'open', row };
    case 'ArrowLeft': {
      if (!leaf && !filtered && open[row] === 1) return { kind: 'close', row };
      const parent = tree.parent[row] ?? -1;
      for (let i = index - 1; i >= 0; i--) if (rows[i] === parent) return focus(i);
      return null;
    }
    case 'Enter':
    case ' ':
      return { kind: 'select', row };
    default:
      return key.length === 1 && key !== '/' ? { kind: 'type', char: key } : null;
  }
}

/** The next drawn row whose name starts with the typed letters, after `index`, round the end. */
export function typeAhead(view: Pick<TreeView, 'tree' | 'rows'>, index: number, typed: string): number {
  const start = typed.toLowerCase();
  const n = view.rows.length;
  // A single letter looks past the present row; more letters refine where we are.
  const first = typed.length === 1 ? 1 : 0;
  for (let k = first; k <= n; k++) {
    const i = (index + k) % n;
    const row = view.rows[i];
    if (row === undefined) continue;
    if ((view.tree.columns.name[row] ?? '').toLowerCase().startsWith(start)) return i;
  }
  return -1;
}
