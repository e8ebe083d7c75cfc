import { lazy, Suspense, useMemo } from 'react';
import { AlarmGlyph, type AlarmState, type Priority } from '../../parts/AlarmGlyph';
import { Spark } from '../../parts/Spark';
import { UnitText, ValueNote, ValueText } from '../../parts/Value';
import type { Condition, Reading, Tag } from '../../twin/model';
import type { Series } from '../../twin/series';

const TrendStack = lazy(() =>
  import('../../parts/trend/TrendStack').then((m) => ({ default: m.TrendStack })),
);

const priorities: { p: Priority; name: string }[] = [
  { p: '1', name: 'Critical' },
  { p: '2', name: 'High' },
  { p: '3', name: 'Medium' },
  { p: '4', name: 'Low' },
  { p: 's', name: 'System' },
];
const states: { s: AlarmState; head: [string, string] }[] = [
  { s: 'unacked', head: ['B', 'unacked'] },
  { s: 'acked', head: ['C', 'acked'] },
  { s: 'returned', head: ['D', 'returned'] },
  { s: 'latched', head: ['+', 'latched'] },
  { s: 'shelved', head: ['E', 'shelved'] },
  { s: 'suppressed', head: ['F', 'suppr.'] },
  { s: 'out', head: ['G', 'out'] },
];

export function Alarms() {
  return (
    <section>
      <h2>Alarms, priority × state</h2>
      <table className="cp-alarms">
        <thead>
          <tr>
            <th aria-label="priority" />
            {states.map(({ head }) => (
              <th key={head[1]}>
                {head[0]}
                <br />
                {head[1]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {priorities.map(({ p, name }) => (
            <tr key={p}>
              <td>{name}</td>
              {states.map(({ s }) => (
                <td key={s}>
                  <AlarmGlyph priority={p} state={s} size={20} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <div className="cp-flow">
        {[20, 16, 14, 12].map((size) => (
          <span key={size} className="cp-sizes">
            <small className="muted">{size} px</small>
            {priorities.map(({ p }) => (
              <AlarmGlyph key={p} priority={p} size={size} />
            ))}
          </span>
        ))}
      </div>
    </section>
  );
}

const tag: Tag = {
  name: 'temp_c',
  title: '',
  type: 'float64',
  unit: 'Cel',
  decimals: 1,
  range: {},
  normal: {},
  limits: {},
  states: [],
  interval_ms: 1000,
  writable: false,
};
const reading = (q: number): Reading => ({ v: 72.4, q, ts: 0, limit: '', stale: false });
const cases: { name: string; condition: Condition; q: number; age: number }[] = [
  { name: 'Good', condition: 'good', q: 192, age: 0 },
  { name: 'Local override', condition: 'override', q: 216, age: 0 },
  { name: 'Uncertain', condition: 'uncertain', q: 80, age: 0 },
  { name: 'Bad', condition: 'bad', q: 16, age: 0 },
  { name: 'Stale', condition: 'stale', q: 192, age: 240_000 },
];

export function Quality() {
  const ts = Array.from({ length: 40 }, (_, i) => i);
  const v = ts.map((x) => 3 + Math.sin(x / 6) * 0.6 + Math.sin(x * 1.7) * 0.15);
  return (
    <section>
      <h2>Quality, age, gaps</h2>
      {cases.map((c) => (
        <div key={c.name} className="cp-quality">
          <span>{c.name}</span>
          <span className="num">
            <ValueText tag={tag} reading={reading(c.q)} condition={c.condition} />{' '}
            {c.condition !== 'bad' && c.condition !== 'stale' && <UnitText unit={tag.unit} />}{' '}
            {c.condition !== 'uncertain' && (
              <ValueNote reading={reading(c.q)} condition={c.condition} now={c.age} />
            )}
          </span>
          <Spark
            ts={ts}
            v={v.map((x, i) =>
              (c.condition === 'bad' && i > 15 && i < 26) || (c.condition === 'stale' && i > 24) ? null : x,
            )}
            from={0}
            to={39}
            width={96}
            height={20}
          />
        </div>
      ))}
    </section>
  );
}

export function TrendAnatomy() {
  const plot = useMemo(() => {
    const from = Date.UTC(2026, 10, 19, 10);
    const to = from + 4.2 * 3_600_000;
    const ts = Array.from({ length: 400 }, (_, i) => from + ((to - from) * i) / 399);
    const v = ts.map(
      (_t, i) =>
        3.8 + 0.35 * Math.sin(i / 5) + 0.2 * Math.sin(i * 1.9) + 7.6 * Math.max(0, (i - 180) / 220) ** 2,
    );
    const series: Series = {
      asset: 'a',
      tag: 'vibration_rms',
      unit: 'mm/s',
      decimals: 1,
      type: 'float64',
      resolution: 'raw',
      ts,
      v,
      q: ts.map(() => 192),
      gaps: [],
      backfilled: [],
    };
    return {
      key: 'anatomy',
      summary: 'A trend with band, limit, gap and late data',
      from,
      to,
      y: [0, 13] as [number, number],
      decimals: 1,
      zone: 'UTC',
      unit: 'mm/s',
      states: null,
      pens: [{ series, color: 0, dash: false }],
      marks: {
        band: { low: 0.6, high: 4.5 },
        limits: [{ name: 'HIHI 11', value: 11, kind: 'outer' as const }],
        gaps: [
          {
            from: from + 3_000_000,
            to: from + 4_000_000,
            cause: 'offline',
            count: 1,
            open: false,
            detail: '',
            label: 'offline',
          },
        ],
        backfilled: [{ from: from + 6_000_000, to: from + 7_500_000, arrived: to, label: 'backfilled' }],
        before: null,
        inset: 6,
      },
    };
  }, []);
  return (
    <section>
      <h2>Trend anatomy</h2>
      <Suspense fallback={<div style={{ height: 150 }} />}>
        <TrendStack plots={[plot]} height={130} syncKey="anatomy" axisWidth={24} />
      </Suspense>
    </section>
  );
}
