// The asset tree over columns: 100 000 assets stay in typed arrays, a row is a
// number. Rows come in depth-first order, so a subtree is a contiguous run.

export interface TreeColumns {
  id: string[];
  /** Row of the parent, -1 for a root. */
  parent: number[];
  name: string[];
  title: string[];
  level: string[];
  class: string[];
  tags: number[];
}

export interface Tree {
  columns: TreeColumns;
  size: number;
  parent: Int32Array;
  depth: Uint8Array;
  /** First row after the subtree. */
  end: Int32Array;
  /** Position among its siblings from 1, and how many there are. */
  position: Int32Array;
  siblings: Int32Array;
  /** Lower-case name and title, for filtering. */
  search: string[];
  byId: Map<string, number>;
}

/** Builds the tree. Rows whose parent comes after them are refused: the order is part of the contract. */
export function buildTree(columns: TreeColumns): Tree {
  const n = columns.id.length;
  const parent = Int32Array.from(columns.parent);
  const depth = new Uint8Array(n);
  const end = new Int32Array(n).fill(0);
  const position = new Int32Array(n);
  const count = new Int32Array(n + 1); // children seen per parent, roots at n
  const byId = new Map<string, number>();
  const search = new Array<string>(n);
  for (let i = 0; i < n; i++) {
    const p = at(parent, i);
    if (p >= i) throw new RangeError(`tree row ${i} stands before its parent ${p}`);
    depth[i] = p < 0 ? 0 : at(depth, p) + 1;
    const slot = p < 0 ? n : p;
    position[i] = count[slot] = at(count, slot) + 1;
    end[i] = i + 1;
    byId.set(columns.id[i] ?? '', i);
    search[i] = `${columns.name[i] ?? ''} ${columns.title[i] ?? ''}`.toLowerCase();
  }
  for (let i = n - 1; i >= 0; i--) {
    const p = at(parent, i);
    if (p >= 0 && at(end, p) < at(end, i)) end[p] = at(end, i);
  }
  const siblings = new Int32Array(n);
  for (let i = 0; i < n; i++) siblings[i] = at(count, at(parent, i) < 0 ? n : at(parent, i));
  return { columns, size: n, parent, depth, end, position, siblings, search, byId };
}

function at(a: ArrayLike<number>, i: number): number {
  return a[i] ?? 0;
}

/** How many assets stand below a row. */
export function descendants(tree: Tree, row: number): number {
  return at(tree.end, row) - row - 1;
}

/** The rows to draw when only the marked rows are open. */
export function flatten(tree: Tree, open: Uint8Array): Int32Array {
  const out = new Int32Array(tree.size);
  let k = 0;
  for (let i = 0; i < tree.size;) {
    out[k++] = i;
    i = open[i] === 1 ? i + 1 : at(tree.end, i);
  }
  return out.subarray(0, k);
}

export interface Filtered {
  rows: Int32Array;
  /** Rows that match themselves; the others are kept as their ancestors. */
  matches: number;
  hit: Uint8Array;
}

/** Rows whose name or title contains the words, with all ancestors kept. */
export function filterTree(tree: Tree, words: string): Filtered {
  const needles = words
    .toLowerCase()
    .split(/\s+/)
    .filter((w) => w !== '');
  const keep = new Uint8Array(tree.size);
  const hit = new Uint8Array(tree.size);
  let matches = 0;
  let kept = 0;
  for (let i = 0; i < tree.size; i++) {
    const text = tree.search[i] ?? '';
    if (!needles.every((w) => text.includes(w))) continue;
    matches++;
    hit[i] = 1;
    for (let p = i; p >= 0 && keep[p] === 0; p = at(tree.parent, p)) {
      keep[p] = 1;
      kept++;
    }
  }
  const rows = new Int32Array(kept);
  let k = 0;
  for (let i = 0; i < tree.size; i++) if (keep[i] === 1) rows[k++] = i;
  return { rows, matches, hit };
}

/** Marks open every ancestor of a row, so that it is in view. */
export function reveal(tree: Tree, open: Uint8Array, row: number): void {
  for (let p = at(tree.parent, row); p >= 0; p = at(tree.parent, p)) open[p] = 1;
}

/** The index of a row among drawn rows (ascending), or -1. */
export function indexOfRow(rows: Int32Array, row: number): number {
  let lo = 0;
  let hi = rows.length - 1;
  while (lo <= hi) {
    const mid = (lo + hi) >> 1;
    const v = at(rows, mid);
    if (v === row) return mid;
    if (v < row) lo = mid + 1;
    else hi = mid - 1;
  }
  return -1;
}

/** Names from the root to a row. */
export function pathOf(tree: Tree, row: number): string[] {
  const names: string[] = [];
  for (let p = row; p >= 0; p = at(tree.parent, p)) names.push(tree.columns.name[p] ?? '');
  return names.reverse();
}

/** The row at a path of names, or -1. */
export function findPath(tree: Tree, names: readonly string[]): number {
  let row = -1;
  let from = 0;
  let to = tree.size;
  for (const name of names) {
    let found = -1;
    for (let i = from; i < to; i = at(tree.end, i)) {
      if (tree.columns.name[i] === name) {
        found = i;
        break;
      }
    }
    if (found < 0) return -1;
    row = found;
    from = found + 1;
    to = at(tree.end, found);
  }
  return row;
}

/** The direct children of a row. */
export function children(tree: Tree, row: number): number[] {
  const out: number[] = [];
  for (let i = row + 1; i < at(tree.end, row); i = at(tree.end, i)) out.push(i);
  return out;
}
