import type { Tree } from './tree';

// What the palette finds: assets by words, tags by the words left over, so
// that "p-007 vib" is the vibration of P-007.

export interface Found {
  row: number;
  /** A tag of the asset, or null for the asset itself. */
  tag: string | null;
  score: number;
}

export type ClassTags = ReadonlyMap<string, readonly { name: string; title: string }[]>;

/** The best hits, best first. */
export function find(tree: Tree, tags: ClassTags, words: string, limit: number): Found[] {
  const needles = words
    .toLowerCase()
    .split(/[\s:]+/)
    .filter((w) => w !== '');
  if (needles.length === 0) return [];
  const hits: Found[] = [];
  for (let row = 0; row < tree.size && hits.length < 4000; row++) {
    const text = tree.search[row] ?? '';
    const rest = needles.filter((w) => !text.includes(w));
    if (rest.length === needles.length) continue;
    const name = (tree.columns.name[row] ?? '').toLowerCase();
    const first = needles[0] ?? '';
    const base = (name === first ? 40 : name.startsWith(first) ? 20 : 0) - (tree.depth[row] ?? 0);
    if (rest.length === 0) {
      hits.push({ row, tag: null, score: base + 10 });
      continue;
    }
    for (const tag of tags.get(tree.columns.class[row] ?? '') ?? []) {
      const what = `${tag.name} ${tag.title}`.toLowerCase();
      if (rest.every((w) => what.includes(w))) {
        hits.push({ row, tag: tag.name, score: base + (tag.name.startsWith(rest[0] ?? '') ? 5 : 0) });
      }
    }
  }
  return hits.sort((a, b) => b.score - a.score || a.row - b.row).slice(0, limit);
}
