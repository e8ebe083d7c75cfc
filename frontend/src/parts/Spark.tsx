import type { Band } from '../twin/model';
import { layoutSpark } from '../twin/spark';
import { cx } from './cx';
import './spark.css';

interface Props {
  ts: readonly number[];
  v: readonly (number | null)[];
  from: number;
  to: number;
  width: number;
  height: number;
  normal?: Band | undefined;
  /** Draws the band and a dot at the end, as the signal tiles do. */
  full?: boolean;
  /** Which edge of the band is the target. */
  target?: 'low' | 'high' | undefined;
  strong?: boolean;
}

/** A line without axes. */
export function Spark({ ts, v, from, to, width, height, normal, full, target, strong }: Props) {
  const s = layoutSpark(ts, v, { from, to }, { width, height }, normal);
  const edge = s.band === null ? null : target === 'low' ? s.band[1] : target === 'high' ? s.band[0] : null;
  return (
    <svg
      className={cx('sp', strong === true && 'sp-strong')}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      aria-hidden
    >
      {full === true && s.band !== null && (
        <rect className="sp-band" x="0" y={s.band[0]} width={width} height={s.band[1] - s.band[0]} />
      )}
      {full === true && edge !== null && <line className="sp-edge" x1="0" x2={width} y1={edge} y2={edge} />}
      <path className="sp-line" d={s.path} />
      {full === true && s.end !== null && <circle className="sp-end" cx={s.end.x} cy={s.end.y} r="2" />}
    </svg>
  );
}
