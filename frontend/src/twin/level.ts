// The places of the equipment hierarchy of ISA-95 and their two-letter badges.

export const levels = [
  'enterprise',
  'site',
  'area',
  'work_center',
  'work_unit',
  'equipment',
  'component',
] as const;

const badges: Record<string, string> = {
  enterprise: 'EN',
  site: 'SI',
  area: 'AR',
  line: 'LN',
  work_center: 'WC',
  work_unit: 'WU',
  equipment: 'EQ',
  component: 'CO',
  tag: 'TG',
};

/** The badge of a level; a level this console does not know shows its first letters and "?". */
export function levelBadge(level: string): string {
  return badges[level] ?? `${level.slice(0, 1).toUpperCase()}?`;
}

/** Says whether an asset of this level is a place that holds others rather than a machine. */
export function isContainer(level: string): boolean {
  return ['enterprise', 'site', 'area', 'work_center', 'work_unit'].includes(level);
}

/** Says whether names of this level are ids of machines, which are set in mono. */
export function isMachine(level: string): boolean {
  return level === 'equipment' || level === 'component';
}
