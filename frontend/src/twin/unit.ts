// How UCUM codes are written for people.

const labels: Record<string, string> = {
  '1': '',
  Cel: '°C',
  '[degF]': '°F',
  '[psi]': 'psi',
  '[ppm]': 'ppm',
  '/min': 'rpm',
  '{rev}/min': 'rpm',
  rpm: 'rpm',
  Ohm: 'Ω',
  deg: '°',
  l: 'L',
  By: 'B',
  kBy: 'kB',
  MBy: 'MB',
  GBy: 'GB',
};

const superscripts: Record<string, string> = { '2': '²', '3': '³', '4': '⁴', '6': '⁶' };
const cache = new Map<string, string>();

function term(code: string): string {
  const known = labels[code];
  if (known !== undefined) return known;
  const power = /^10\*(\d)$/.exec(code)?.[1];
  if (power !== undefined) return `10${superscripts[power] ?? `^${power}`}`;
  const bare = code.replace(/\{[^}]*\}/g, '');
  if (bare === '') return code.replace(/[{}]/g, '').replace(/_/g, ' ');
  return (labels[bare] ?? bare)
    .replace(/^u(?=[A-Za-z])/, 'µ')
    .replace(/(?<=[A-Za-z])[234]$/, (d) => superscripts[d] ?? d)
    .replace(/^\[(.*)\]$/, '$1');
}

/** The label of a UCUM code: Cel → °C, m3/h → m³/h. An unknown code is shown as it is. */
export function unitLabel(code: string): string {
  const known = labels[code] ?? cache.get(code);
  if (known !== undefined) return known;
  const label = code
    .split('/')
    .map((part) =>
      part
        .split('.')
        .map(term)
        .join('·')
        .replace(/^(10[²³⁴⁶])·/, '$1 '),
    )
    .join('/');
  cache.set(code, label);
  return label;
}
