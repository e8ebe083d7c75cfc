// Numbers and durations as people at a plant read them: fixed decimals, true
// minus, thousands comma, spaced units.

const MINUS = '\u2212';
const formats = new Map<number, Intl.NumberFormat>();

function format(decimals: number): Intl.NumberFormat {
  let f = formats.get(decimals);
  if (f === undefined) {
    f = new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    formats.set(decimals, f);
  }
  return f;
}

/** A number with exactly `decimals` digits; a rounded zero carries no sign. */
export function formatNumber(v: number, decimals = 0): string {
  if (!Number.isFinite(v)) return Number.isNaN(v) ? 'NaN' : v > 0 ? '+∞' : `${MINUS}∞`;
  const text = format(Math.min(Math.max(decimals, 0), 12)).format(v);
  if (!text.startsWith('-')) return text;
  return /[1-9]/.test(text) ? MINUS + text.slice(1) : text.slice(1);
}

/** A change, which always carries its sign. */
export function formatDelta(v: number, decimals = 0): string {
  const text = formatNumber(v, decimals);
  return v > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** As many decimals as the number needs, at most three: for limits and bounds in running text. */
export function formatShort(v: number): string {
  const decimals =
    [0, 1, 2].find((d) => Math.abs(v * 10 ** d - Math.round(v * 10 ** d)) < 1e-9 * 10 ** d) ?? 3;
  return formatNumber(v, decimals);
}

const units: [number, string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

/** A duration in its two largest units: "1 min 49 s", "3 d 4 h"; below a second "0 s". */
export function formatDuration(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000) * 1000);
  const at = units.findIndex(([size]) => total >= size);
  const first = units[at];
  if (first === undefined) return '0 s';
  const head = Math.floor(total / first[0]);
  const second = units[at + 1];
  if (second === undefined) return `${head} ${first[1]}`;
  const rest = Math.floor((total - head * first[0]) / second[0]);
  return rest === 0 ? `${head} ${first[1]}` : `${head} ${first[1]} ${rest} ${second[1]}`;
}

/** An age in one unit, as it stands beside a value: "4 min". */
export function formatAge(ms: number): string {
  const total = Math.max(0, ms);
  const unit = units.find(([size]) => total >= size);
  return unit === undefined ? '0 s' : `${Math.floor(total / unit[0])} ${unit[1]}`;
}

/** A size in bytes with a binary prefix. */
export function formatBytes(n: number): string {
  if (n < 1024) return `${n} B`;
  const names = ['KiB', 'MiB', 'GiB', 'TiB'];
  let v = n / 1024;
  let i = 0;
  while (v >= 1024 && i < names.length - 1) {
    v /= 1024;
    i++;
  }
  return `${formatNumber(v, v < 10 ? 1 : 0)} ${names[i] ?? ''}`;
}
