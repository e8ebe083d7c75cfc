import { AlarmGlyph } from '../../parts/AlarmGlyph';
import { AnalogBar } from '../../parts/AnalogBar';
import { Button } from '../../parts/Controls';
import { UnitText, ValueNote, ValueText } from '../../parts/Value';
import type { Condition, Tag } from '../../twin/model';

const tag: Tag = {
  name: 'pressure_bar',
  title: '',
  type: 'float64',
  unit: 'bar',
  decimals: 2,
  range: { low: 0, high: 12 },
  normal: { low: 5.2, high: 7.4 },
  limits: { lolo: 3, hihi: 10 },
  states: [],
  interval_ms: 1000,
  writable: false,
};

const rows: { name: string; v: number; q: number; condition: Condition; alarm?: '1'; decimals?: number }[] = [
  { name: 'Normal', v: 6.41, q: 192, condition: 'good' },
  { name: 'Out of band', v: 8.3, q: 192, condition: 'good' },
  { name: 'Alarm', v: 10.6, q: 192, condition: 'good', alarm: '1', decimals: 1 },
  { name: 'Uncertain', v: 6.1, q: 80, condition: 'uncertain' },
  { name: 'Stale', v: 5.8, q: 192, condition: 'stale' },
  { name: 'Bad', v: 6.22, q: 24, condition: 'bad' },
];

export function Bars() {
  return (
    <section>
      <h2>Analog bars, 6 states</h2>
      {rows.map((r) => {
        const reading = { v: r.v, q: r.q, ts: 0, limit: '', stale: false };
        return (
          <div key={r.name} className="cp-bar">
            <span>{r.name}</span>
            <AnalogBar
              tag={tag}
              value={r.v}
              setpoint={6.4}
              condition={r.condition}
              alarm={r.alarm}
              width={116}
            />
            <span className="num">
              <ValueText
                tag={{ ...tag, decimals: r.decimals ?? 2 }}
                reading={reading}
                condition={r.condition}
                big
              />
            </span>
            <UnitText unit="bar" />
            <span className="num">
              {r.alarm === undefined ? (
                r.condition !== 'uncertain' && (
                  <ValueNote reading={reading} condition={r.condition} now={240_000} />
                )
              ) : (
                <AlarmGlyph priority={r.alarm} state="unacked" size={14} />
              )}
            </span>
          </div>
        );
      })}
      <p className="cp-note">Band = normal, tall ticks = LL and HH, open caret = setpoint, line = value.</p>
    </section>
  );
}

export function Pens() {
  return (
    <section>
      <h2>Pens</h2>
      <div className="cp-pens">
        {[1, 2, 3, 4, 5, 6].map((n) => (
          <span key={n}>
            <svg width="58" height="9" aria-hidden>
              <line x1="0" x2="58" y1="2" y2="2" stroke={`var(--pen-${n})`} strokeWidth="1.75" />
              <line
                x1="0"
                x2="58"
                y1="7"
                y2="7"
                stroke={`var(--pen-${n})`}
                strokeWidth="1.75"
                strokeDasharray="6 3"
              />
            </svg>
            <small className="muted">pen {n}</small>
          </span>
        ))}
      </div>
    </section>
  );
}

export function Type() {
  return (
    <section>
      <h2>Type</h2>
      <p style={{ fontSize: 24, lineHeight: '28px', fontWeight: 500, letterSpacing: '-0.018em' }}>
        48,212 <small style={{ fontSize: 13, fontWeight: 400, letterSpacing: 0 }}>msg/s</small>
      </p>
      <p style={{ fontSize: 20, lineHeight: '28px', fontWeight: 600, letterSpacing: '-0.01em' }}>
        Gateway firmware 2.4.0
      </p>
      <p style={{ fontSize: 15, fontWeight: 600 }}>Plant overview</p>
      <p>
        Body 13/20, regular and <b style={{ fontWeight: 600 }}>600</b>
      </p>
      <p style={{ fontSize: 12, lineHeight: '16px' }}>Table 12/16, tabular 0123456789 → ≤ ≥ ≈ − Δ ✓</p>
      <p className="label">Label 11/16 500</p>
      <p className="mono">gw-detroit-l3-01 Plex Mono 12</p>
    </section>
  );
}

export function Confirm() {
  return (
    <section>
      <h2>Dialog</h2>
      <div className="cp-pop">
        <p className="strong">Roll back 47 devices</p>
        <p className="cp-note">2 sites, 10 lines, 4 producing now. 47 reboots, 40 s gap each.</p>
        <div className="cp-flow" style={{ justifyContent: 'flex-end', margin: 0 }}>
          <Button>Cancel</Button>
          <Button disabled>Roll back 47</Button>
        </div>
      </div>
    </section>
  );
}
