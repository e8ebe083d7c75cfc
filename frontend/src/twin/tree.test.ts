import { describe, expect, it } from 'vitest';
import {
  buildTree,
  children,
  descendants,
  filterTree,
  findPath,
  flatten,
  indexOfRow,
  pathOf,
  reveal,
  type TreeColumns,
} from './tree';
import { treeKey, typeAhead } from './treekeys';

/** acme > detroit > (pump P-001, P-002 with motor M-002), rotterdam. */
function plant(): TreeColumns {
  const rows: [string, number, string, string][] = [
    ['acme', -1, 'enterprise', 'Acme'],
    ['detroit', 0, 'site', 'Detroit assembly'],
    ['P-001', 1, 'equipment', 'Cooling water pump 1'],
    ['P-002', 1, 'equipment', 'Cooling water pump 2'],
    ['M-002', 3, 'component', 'Motor 30 kW'],
    ['rotterdam', 0, 'site', 'Rotterdam process'],
  ];
  return {
    id: rows.map((_r, i) => `id${i}`),
    parent: rows.map((r) => r[1]),
    name: rows.map((r) => r[0]),
    title: rows.map((r) => r[3]),
    level: rows.map((r) => r[2]),
    class: rows.map(() => 'c'),
    tags: rows.map(() => 0),
  };
}

/** As many assets as the largest plant we promise: sites of lines of 49 pumps. */
function large(n: number): TreeColumns {
  const c: TreeColumns = { id: [], parent: [], name: [], title: [], level: [], class: [], tags: [] };
  const add = (parent: number, name: string) => {
    c.id.push(`id${c.id.length}`);
    c.parent.push(parent);
    c.name.push(name);
    c.title.push('Transfer pump');
    c.level.push('equipment');
    c.class.push('pump');
    c.tags.push(9);
    return c.id.length - 1;
  };
  const root = add(-1, 'acme');
  while (c.id.length < n) {
    const line = add(root, `line-${c.id.length}`);
    for (let k = 0; k < 49 && c.id.length < n; k++) add(line, `P-${c.id.length}`);
  }
  return c;
}

describe('the asset tree', () => {
  it('shows only what is open', () => {
    const tree = buildTree(plant());
    const open = new Uint8Array(tree.size);
    expect([...flatten(tree, open)]).toEqual([0]);
    open[0] = 1;
    expect([...flatten(tree, open)]).toEqual([0, 1, 5]);
    reveal(tree, open, 4);
    expect([...flatten(tree, open)]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('keeps the ancestors of what a filter finds, by name and by title', () => {
    const tree = buildTree(plant());
    const motors = filterTree(tree, 'motor');
    expect(motors.matches).toBe(1);
    expect([...motors.rows]).toEqual([0, 1, 3, 4]);
    expect([...motors.hit]).toEqual([0, 0, 0, 0, 1, 0]);
    expect(filterTree(tree, 'PUMP 2').matches).toBe(1);
    expect(filterTree(tree, 'nothing like it').rows).toHaveLength(0);
  });

  it('knows paths, children and what is below', () => {
    const tree = buildTree(plant());
    expect(pathOf(tree, 4)).toEqual(['acme', 'detroit', 'P-002', 'M-002']);
    expect(findPath(tree, ['acme', 'detroit', 'P-002'])).toBe(3);
    expect(findPath(tree, ['acme', 'rotterdam', 'P-002'])).toBe(-1);
    expect(findPath(tree, [])).toBe(-1);
    expect(children(tree, 0)).toEqual([1, 5]);
    expect(descendants(tree, 0)).toBe(5);
    expect([tree.position[5], tree.siblings[5]]).toEqual([2, 2]);
    expect(indexOfRow(Int32Array.from([0, 1, 5]), 5)).toBe(2);
    expect(indexOfRow(Int32Array.from([0, 1, 5]), 3)).toBe(-1);
  });

  it('refuses rows out of order instead of drawing nonsense', () => {
    const bad = plant();
    bad.parent[1] = 4;
    expect(() => buildTree(bad)).toThrow(RangeError);
  });

  it('opens and filters 100,000 assets while somebody waits for a keystroke', () => {
    const tree = buildTree(large(100_000));
    const open = new Uint8Array(tree.size).fill(1);
    let start = performance.now();
    expect(flatten(tree, open)).toHaveLength(100_000);
    expect(performance.now() - start).toBeLessThan(150);
    start = performance.now();
    expect(filterTree(tree, 'P-99').matches).toBeGreaterThan(900);
    expect(performance.now() - start).toBeLessThan(250);
  });
});

describe('keys in the tree', () => {
  const tree = buildTree(plant());
  const open = Uint8Array.from([1, 1, 0, 0, 0, 0]);
  const rows = flatten(tree, open); // acme, detroit, P-001, P-002, rotterdam
  const view = { tree, rows, open, page: 2, filtered: false };

  it('moves and stops at both ends', () => {
    expect(treeKey(view, 0, 'ArrowUp')).toEqual({ kind: 'focus', index: 0 });
    expect(treeKey(view, 3, 'PageDown')).toEqual({ kind: 'focus', index: 4 });
    expect(treeKey(view, 0, 'End')).toEqual({ kind: 'focus', index: 4 });
    expect(treeKey(view, 4, 'Home')).toEqual({ kind: 'focus', index: 0 });
  });

  it('opens to the right, closes to the left, then goes to the parent', () => {
    expect(treeKey(view, 3, 'ArrowRight')).toEqual({ kind: 'open', row: 3 });
    expect(treeKey(view, 1, 'ArrowRight')).toEqual({ kind: 'focus', index: 2 });
    expect(treeKey(view, 1, 'ArrowLeft')).toEqual({ kind: 'close', row: 1 });
    expect(treeKey(view, 3, 'ArrowLeft')).toEqual({ kind: 'focus', index: 1 });
    expect(treeKey(view, 2, 'ArrowRight')).toBeNull();
  });

  it('does not close what a filter holds open', () => {
    expect(treeKey({ ...view, filtered: true }, 1, 'ArrowLeft')).toEqual({ kind: 'focus', index: 0 });
  });

  it('finds by the first letters, round the end', () => {
    expect(treeKey(view, 0, 'r')).toEqual({ kind: 'type', char: 'r' });
    expect(typeAhead(view, 0, 'p')).toBe(2);
    expect(typeAhead(view, 2, 'p')).toBe(3);
    expect(typeAhead(view, 2, 'p-002')).toBe(3);
    expect(typeAhead(view, 4, 'a')).toBe(0);
    expect(typeAhead(view, 0, 'x')).toBe(-1);
  });
});
