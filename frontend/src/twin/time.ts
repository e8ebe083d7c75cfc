// Instants as wall-clock text in a named zone. Everything is stored in UTC;
// a zone is only ever a way of writing.

export type ZoneChoice = 'utc' | 'site' | 'me';

const formats = new Map<string, Intl.DateTimeFormat>();

function formatter(zone: string, options: Intl.DateTimeFormatOptions, key: string): Intl.DateTimeFormat {
  const id = `${zone}|${key}`;
  let f = formats.get(id);
  if (f === undefined) {
    f = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', ...options });
    formats.set(id, f);
  }
  return f;
}

/** Says whether the runtime knows the zone's name. */
export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** The IANA zone a choice means; an unknown site zone falls back to the reader's own. */
export function resolveZone(choice: ZoneChoice, site: string | undefined): string {
  if (choice === 'utc') return 'UTC';
  if (choice === 'site' && site !== undefined && site !== '' && isZone(site)) return site;
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** HH:MM:SS. */
export function formatTime(ms: number, zone: string): string {
  return formatter(zone, { hour: '2-digit', minute: '2-digit', second: '2-digit' }, 't').format(ms);
}

/** HH:MM. */
export function formatMinute(ms: number, zone: string): string {
  return formatter(zone, { hour: '2-digit', minute: '2-digit' }, 'm').format(ms);
}

/** "Thu 19 Nov 2026". */
export function formatDate(ms: number, zone: string): string {
  const options = { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' } as const;
  return formatter(zone, options, 'd').format(ms).replace(/,/g, '');
}

/** "19 Nov 14:05:00", for lists that span days. */
export function formatStamp(ms: number, zone: string): string {
  return `${formatter(zone, { day: 'numeric', month: 'short' }, 's').format(ms)} ${formatTime(ms, zone)}`;
}

/** Minutes the zone is ahead of UTC at an instant. */
export function zoneOffset(ms: number, zone: string): number {
  const options = {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  } as const;
  const parts = formatter(zone, options, 'o').formatToParts(ms);
  const get = (type: string) => Number(parts.find((p) => p.type === type)?.value ?? 0);
  const wall = Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'), get('second'));
  return Math.round((wall - Math.floor(ms / 1000) * 1000) / 60_000);
}

/** "EST UTC−5" or "UTC+1" where the zone has no letters; just "UTC" for UTC. */
export function zoneLabel(ms: number, zone: string): string {
  if (zone === 'UTC') return 'UTC';
  const name =
    new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'short' })
      .formatToParts(ms)
      .find((p) => p.type === 'timeZoneName')?.value ?? '';
  const offset = zoneOffset(ms, zone);
  const sign = offset < 0 ? '\u2212' : '+';
  const h = Math.floor(Math.abs(offset) / 60);
  const m = Math.abs(offset) % 60;
  const utc = offset === 0 ? 'UTC' : `UTC${sign}${h}${m === 0 ? '' : `:${String(m).padStart(2, '0')}`}`;
  return /^[A-Z]{3,5}$/.test(name) && name !== 'GMT' && name !== 'UTC' ? `${name} ${utc}` : utc;
}
