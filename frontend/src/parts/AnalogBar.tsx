import { layoutBar } from '../twin/bar';
import type { Condition, Tag, Value } from '../twin/model';
import { cx } from './cx';
import './analogbar.css';

interface Props {
  tag: Pick<Tag, 'range' | 'normal' | 'limits'>;
  value: Value | undefined;
  setpoint?: Value | undefined;
  condition: Condition;
  /** Only an alarm colours the part over the band. */
  alarm?: '1' | '2' | '3' | '4' | undefined;
  width?: number;
}

const H = 24;
const TOP = 8;

/** A value on its scale: field, normal band, limits as ticks, setpoint as a caret. */
export function AnalogBar({ tag, value, setpoint, condition, alarm, width = 136 }: Props) {
  const bar = layoutBar(tag, value, setpoint);
  if (bar === null) return <span className="ab-none" style={{ width }} />;
  const x = (share: number) => 0.5 + share * (width - 1);
  const end = bar.value === null ? null : x(bar.value);
  const fillEnd = alarm !== undefined && bar.over !== null ? x(bar.over[0]) : end;
  const high = bar.over !== null && bar.value === bar.over[1];
  return (
    <svg
      className={cx('ab', `ab-${condition}`)}
      width={width}
      height={H + 4}
      viewBox={`0 0 ${width} ${H + 4}`}
      aria-hidden
    >
      <rect className="ab-track" x="0.5" y={TOP + 0.5} width={width - 1} height="11" />
      {bar.band !== null && (
        <rect
          className="ab-band"
          x={x(bar.band[0])}
          y={TOP + 1}
          width={Math.max(1, x(bar.band[1]) - x(bar.band[0]))}
          height="10"
        />
      )}
      {condition === 'bad' && <Hatch width={width} />}
      {fillEnd !== null && condition !== 'bad' && (
        <line className="ab-fill" x1="1" x2={Math.max(1, fillEnd)} y1={TOP + 6} y2={TOP + 6} />
      )}
      {alarm !== undefined && bar.over !== null && condition !== 'bad' && (
        <line
          className={`ab-over ab-al-${alarm}`}
          x1={high ? x(bar.over[0]) : 1}
          x2={x(bar.over[1])}
          y1={TOP + 6}
          y2={TOP + 6}
        />
      )}
      {bar.ticks.map((t) => (
        <line key={t.name} className="ab-tick" x1={x(t.at)} x2={x(t.at)} y1={TOP - 3} y2={TOP + 15} />
      ))}
      {end !== null && condition !== 'bad' && (
        <line className="ab-value" x1={end} x2={end} y1={TOP - 1} y2={TOP + 13} />
      )}
      {bar.setpoint !== null && (
        <path className="ab-set" d={`M${x(bar.setpoint) - 4.5} ${TOP - 7.2}h9l-4.5 6z`} />
      )}
    </svg>
  );
}

function Hatch({ width }: { width: number }) {
  const lines = Array.from({ length: Math.ceil(width / 6) + 2 }, (_, i) => i * 6);
  return (
    <svg x="1" y={TOP + 1} width={width - 2} height="10" viewBox={`0 0 ${width - 2} 10`}>
      <path className="ab-hatch" d={lines.map((x) => `M${x - 10} 10L${x} 0`).join('')} />
    </svg>
  );
}
