import { cx } from './cx';
import './alarmglyph.css';

export type Priority = '1' | '2' | '3' | '4' | 's';
export type AlarmState = 'unacked' | 'acked' | 'returned' | 'latched' | 'shelved' | 'suppressed' | 'out';

// Five shapes in a 20-unit box: told apart without colour.
const shapes: Record<Priority, string> = {
  '1': 'M2 2H18V18H2Z',
  '2': 'M10 0.4L20.5 19H-0.5Z',
  '3': 'M10 0.2L19.8 10L10 19.8L0.2 10Z',
  '4': 'M10 1.4A8.6 8.6 0 1 1 10 18.6A8.6 8.6 0 1 1 10 1.4Z',
  s: 'M0 10L5 1.2H15L20 10L15 18.8H5Z',
};

const words: Record<Priority, string> = {
  '1': 'critical',
  '2': 'high',
  '3': 'medium',
  '4': 'low',
  s: 'system',
};

/** The mark of an alarm: priority as shape, number and colour; state as outline and fill. */
export function AlarmGlyph({
  priority,
  state = 'acked',
  size = 16,
}: {
  priority: Priority;
  state?: AlarmState;
  size?: number;
}) {
  const filled = state === 'unacked' || state === 'acked' || state === 'latched';
  const numbered = filled || state === 'returned';
  const cy = priority === '2' ? 12 : 10;
  const edge = size <= 12 || priority === '2' ? 1.2 : 1.5;
  const box = size * 1.5;
  return (
    <svg
      className={cx('ag', `ag-${priority}`, filled ? 'ag-on' : 'ag-off', state === 'returned' && 'ag-back')}
      width={box}
      height={box}
      viewBox="-5 -5 30 30"
      style={{ margin: -size / 4 }}
      role="img"
      aria-label={`${words[priority]}, ${state}`}
    >
      {(state === 'unacked' || state === 'returned') && (
        <path
          className="ag-ring"
          d={shapes[priority]}
          transform={`translate(10 ${cy}) scale(1.38) translate(-10 ${-cy})`}
          strokeWidth={state === 'unacked' ? 1.25 : 0.8}
          strokeDasharray={state === 'returned' ? '2 2' : undefined}
          vectorEffect="non-scaling-stroke"
        />
      )}
      <path className="ag-body" d={shapes[priority]} strokeWidth={(edge * 20) / size} />
      {numbered && (
        <text x="10" y={cy + (priority === '2' ? 5 : 4.4)} fontSize="12.4">
          {priority.toUpperCase()}
        </text>
      )}
      {state === 'shelved' && <path className="ag-mark" d={`M10 ${cy - 4}V${cy}H13.5`} strokeWidth="1.5" />}
      {state === 'suppressed' && <path className="ag-mark" d="M0 20L20 0" strokeWidth="1.5" />}
      {state === 'out' && (
        <path
          className="ag-mark"
          d={`M7 ${cy - 3}L13 ${cy + 3}M13 ${cy - 3}L7 ${cy + 3}`}
          strokeWidth="1.5"
        />
      )}
      {state === 'latched' && (
        <g className="ag-lock">
          <rect x="16.5" y="-1.5" width="6.4" height="5" rx="0.8" />
          <path d="M17.9 -1.5V-3A1.8 1.8 0 0 1 21.5 -3V-1.5" fill="none" strokeWidth="1.2" />
        </g>
      )}
    </svg>
  );
}
