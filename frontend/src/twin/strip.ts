// Which neighbours stand where in the strip below an asset: flow comes from
// the left and goes to the right, sensors hang below, the rest is listed.

interface Edge {
  type: string;
  direction: 'in' | 'out';
}

export interface Side<T> {
  shown: T[];
  more: number;
}

export interface Strip<T> {
  left: Side<T>;
  right: Side<T>;
  /** How many sensors measure the asset. */
  below: number;
  other: T[];
  counts: { in: number; out: number; other: number };
}

const flow = new Set(['feeds', 'drives', 'controls', 'powers', 'supplies']);
const order = ['feeds', 'drives', 'controls', 'powers', 'supplies'];

function side<T extends Edge>(items: T[], room: number): Side<T> {
  const sorted = [...items].sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type));
  // A count takes the place of the last one that would not fit with it.
  if (sorted.length <= room) return { shown: sorted, more: 0 };
  return { shown: sorted.slice(0, room), more: sorted.length - room };
}

export function layoutStrip<T extends Edge>(items: readonly T[], room = 2): Strip<T> {
  const left = items.filter((r) => flow.has(r.type) && r.direction === 'in');
  const right = items.filter((r) => flow.has(r.type) && r.direction === 'out');
  const sensors = items.filter((r) => r.type === 'measures' && r.direction === 'in');
  const other = items.filter((r) => !flow.has(r.type) && !(r.type === 'measures' && r.direction === 'in'));
  return {
    left: side(left, room),
    right: side(right, room),
    below: sensors.length,
    other,
    counts: { in: left.length + sensors.length, out: right.length, other: other.length },
  };
}
