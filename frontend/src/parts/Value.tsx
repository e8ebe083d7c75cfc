import { formatAge, formatNumber } from '../twin/format';
import {
  isAnalog,
  numeric,
  outOfBand,
  valueWord,
  type Condition,
  type Reading,
  type Tag,
} from '../twin/model';
import { qualityShort } from '../twin/quality';
import { unitLabel } from '../twin/unit';
import { cx } from './cx';
import './value.css';

type Shown = Pick<Tag, 'name' | 'type' | 'states' | 'decimals' | 'unit' | 'normal'>;

/** A reading as text: struck when bad, italic when stale, "~" when uncertain. */
export function ValueText({
  tag,
  reading,
  condition,
  big,
  idle,
}: {
  tag: Shown;
  reading: Reading | undefined;
  condition: Condition;
  big?: boolean;
  /** A machine that stands is below its band without anything being wrong. */
  idle?: boolean;
}) {
  if (reading === undefined || reading.v === null) return <span className="muted">–</span>;
  const n = numeric(reading.v);
  const analog = isAnalog(tag) && n !== null;
  const out = analog && ((outOfBand(n, tag.normal) && idle !== true) || reading.limit !== '');
  return (
    <span
      className={cx('vl', big === true && 'vl-big', `vl-${condition}`, out && 'vl-out', !analog && 'vl-word')}
    >
      {condition === 'uncertain' && '~ '}
      {analog ? formatNumber(n, tag.decimals) : valueWord(reading.v, tag)}
    </span>
  );
}

export function UnitText({ unit }: { unit: string }) {
  return <span className="vl-unit">{unitLabel(unit)}</span>;
}

/** What stands beside a value when it is not simply good: age, override, the reason. */
export function ValueNote({
  reading,
  condition,
  now,
}: {
  reading: Reading | undefined;
  condition: Condition;
  now: number;
}) {
  if (reading === undefined) return null;
  switch (condition) {
    case 'stale':
      return <span className="vl-note vl-note-fixed">{formatAge(now - reading.ts)} old</span>;
    case 'bad':
      return (
        <span className="vl-note vl-note-fixed">
          <b>?</b> {qualityShort(reading.q)}
        </span>
      );
    case 'uncertain':
      return <span className="vl-note">{qualityShort(reading.q)}</span>;
    case 'override':
      return (
        <span className="tag tag-letter" title="local override">
          L
        </span>
      );
    default:
      return null;
  }
}
