import { isAnalog, type Tag } from './model';

/** The analog tags that most of the given sets share, watched ones first; what only few have is left out. */
export function commonTags(sets: readonly (readonly Tag[])[], limit: number): Tag[] {
  const withTags = sets.filter((s) => s.length > 0);
  const seen = new Map<string, { tag: Tag; n: number; order: number }>();
  let order = 0;
  for (const set of withTags) {
    for (const tag of set) {
      if (!isAnalog(tag)) continue;
      const old = seen.get(tag.name);
      if (old === undefined) seen.set(tag.name, { tag, n: 1, order: order++ });
      else old.n++;
    }
  }
  const watched = (tag: Tag) =>
    Object.values(tag.limits as Record<string, unknown>).some((v) => v != null) ? 1 : 0;
  return [...seen.values()]
    .filter((s) => s.n >= Math.min(withTags.length, Math.max(2, withTags.length * 0.3)))
    .sort((a, b) => b.n - a.n || watched(b.tag) - watched(a.tag) || a.order - b.order)
    .slice(0, limit)
    .sort((a, b) => a.order - b.order)
    .map((s) => s.tag);
}
