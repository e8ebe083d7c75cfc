import type { ReactNode } from 'react';
import { cx } from './cx';
import './symbol.css';

// Drawings in the manner of ISA-5.1 in a 24-unit box, 1.5 strokes. "body" is
// the part that is light when the machine runs and dark when it stands.

const body = (d: string) => <path className="sy-body" d={d} />;
const circle = (r = 9) => <circle className="sy-body" cx="12" cy="12" r={r} />;
const line = (d: string) => <path className="sy-line" d={d} />;
const letters = (s: string) => (
  <text className="sy-text" x="12" y="16" fontSize={s.length > 1 ? 8.5 : 11.5}>
    {s}
  </text>
);

const drawings: Record<string, ReactNode> = {
  pump: (
    <>
      {circle()}
      {line('M7.5 6.5L21 12L7.5 17.5')}
    </>
  ),
  motor: (
    <>
      {circle()}
      {letters('M')}
    </>
  ),
  valve: body('M2.5 6.5L12 12L2.5 17.5ZM21.5 6.5L12 12L21.5 17.5Z'),
  valve_on_off: (
    <>
      {body('M2.5 10L12 15L2.5 20ZM21.5 10L12 15L21.5 20Z')}
      {line('M12 15V8')}
      <rect className="sy-body" x="8.5" y="3" width="7" height="5" />
    </>
  ),
  control_valve: (
    <>
      {body('M2.5 10L12 15L2.5 20ZM21.5 10L12 15L21.5 20Z')}
      {line('M12 15V8')}
      {body('M7.5 8A4.5 4.5 0 0 1 16.5 8Z')}
    </>
  ),
  tank: (
    <>
      {body('M5 3.5H19V20.5H5Z')}
      {line('M5 10H19')}
    </>
  ),
  vessel: (
    <>
      {body('M7 6A5 3 0 0 1 17 6V18A5 3 0 0 1 7 18Z')}
      {line('M7 12H17')}
    </>
  ),
  reactor: (
    <>
      {body('M6 6A6 3.5 0 0 1 18 6V18A6 3.5 0 0 1 6 18Z')}
      {line('M12 2V14M8.5 14H15.5M8.5 12.5V15.5M15.5 12.5V15.5')}
    </>
  ),
  separator: (
    <>
      {body('M3.5 8.5H20.5V16.5A8.5 3 0 0 1 3.5 16.5Z')}
      {line('M3.5 13H20.5M12 8.5V4')}
    </>
  ),
  stripper: (
    <>
      {body('M8 4.5A4 2 0 0 1 16 4.5V19.5A4 2 0 0 1 8 19.5Z')}
      {line('M8 9H13M11 12H16M8 15H13')}
    </>
  ),
  tower: (
    <>
      {body('M7 3.5H17L20 20.5H4Z')}
      {line('M8.5 8L15.5 8M6 14C8 11.5 10 16.5 12 14S16 11.5 18 14')}
    </>
  ),
  exchanger: (
    <>
      {circle()}
      {line('M1.5 12H5.5L8.5 6.5L12 17.5L15.5 6.5L18.5 12H22.5')}
    </>
  ),
  condenser: (
    <>
      {circle()}
      {line('M1.5 9H6L9 15L12 9L15 15L18 9H22.5')}
    </>
  ),
  chiller: (
    <>
      {body('M3.5 5.5H20.5V18.5H3.5Z')}
      {line('M12 8V16M8.5 10L15.5 14M15.5 10L8.5 14')}
    </>
  ),
  heater: (
    <>
      {body('M4 6H20V18H4Z')}
      {line('M7 12L9 9L11 15L13 9L15 15L17 12')}
    </>
  ),
  compressor: (
    <>
      {circle()}
      {line('M7 4.8L20.2 9.4M7 19.2L20.2 14.6')}
    </>
  ),
  fan: (
    <>
      {circle()}
      {line(
        'M12 12C8 9 8 5.5 12 6C14 6.5 13.5 9.5 12 12C16 9.5 19 11.5 17 14.5C15.5 16.5 13 14.5 12 12C12 16.5 8.5 18 6.8 15.5C6 13.5 9 12 12 12',
      )}
    </>
  ),
  conveyor: (
    <>
      {body('M5.5 9H18.5A3 3 0 0 1 18.5 15H5.5A3 3 0 0 1 5.5 9Z')}
      <circle className="sy-line" cx="5.8" cy="12" r="1" />
      <circle className="sy-line" cx="18.2" cy="12" r="1" />
    </>
  ),
  strainer: (
    <>
      {body('M5 3.5H19V20.5H5Z')}
      <path className="sy-line" d="M7 17.5L17 6" strokeDasharray="2 2.4" />
    </>
  ),
  mixer: (
    <>
      {body('M4.5 7.5H19.5V20.5H4.5Z')}
      {line('M12 2.5V15M8 17L16 13.5M16 17L8 13.5')}
    </>
  ),
  drive: (
    <>
      {body('M3.5 3.5H20.5V20.5H3.5Z')}
      {line(
        'M3.5 20.5L20.5 3.5M6.5 7.5H10.5M6.5 10H10.5M13.5 16.5C14.5 14.5 16 14.5 16.5 16C17 17.5 18 17.5 18.8 15.5',
      )}
    </>
  ),
  robot: (
    <>
      {line('M7 21H15M11 21V14L7.5 10M9 8.5L14.5 5.5M16 5V2.5M18 6.5L20.5 8')}
      <circle className="sy-body" cx="7.5" cy="9" r="2.2" />
      <circle className="sy-body" cx="16" cy="5.5" r="2.2" />
    </>
  ),
  weld_gun: (
    <>
      {line('M4 20V6H14M4 18H14')}
      {body('M14 3.5H20V8.5H14ZM14 15.5H20V20.5H14Z')}
      {line('M17 8.5V10.5M17 15.5V13.5')}
    </>
  ),
  weld_cell: (
    <>
      {body('M3.5 3.5H20.5V20.5H3.5Z')}
      {line('M8 16H14M11 16V12L8.5 9.5L14 7M16 6L18 8')}
    </>
  ),
  header: (
    <>
      {body('M2 10H22V14H2Z')}
      {line('M6 10V5M12 10V5M18 14V19')}
    </>
  ),
  meter: (
    <>
      {body('M4 4H20V20H4Z')}
      {line('M7 15A5.2 5.2 0 0 1 17 15M12 15L15 10.5')}
    </>
  ),
  analyzer: (
    <>
      {circle()}
      {letters('AI')}
    </>
  ),
  sensor: (
    <>
      {circle()}
      {letters('I')}
    </>
  ),
  plc: (
    <>
      {body('M3.5 5H20.5V19H3.5Z')}
      {line('M8.5 5V19M11.5 9H17.5M11.5 12H17.5M11.5 15H15')}
    </>
  ),
  gateway: (
    <>
      {body('M2.5 10.5H21.5V18.5H2.5Z')}
      {line('M17.5 10.5V4.5M5.5 14.5H7M9 14.5H10.5')}
    </>
  ),
  station: (
    <>
      {body('M3.5 9.5L12 4L20.5 9.5V20H3.5Z')}
      <circle className="sy-line" cx="12" cy="14" r="3.2" />
    </>
  ),
  enterprise: (
    <>
      {body('M4 20.5V8.5L9 5V20.5ZM9 20.5V3.5H20V20.5Z')}
      {line('M12.5 8H16.5M12.5 12H16.5M12.5 16H16.5')}
    </>
  ),
  site: body('M3 20V12L8.5 15V12L14 15V5H18V20Z'),
  area: (
    <>
      {body('M3.5 4.5H20.5V19.5H3.5Z')}
      {line('M3.5 12H12M12 4.5V19.5')}
    </>
  ),
  line: (
    <>
      {body('M3 9H8V15H3ZM16 9H21V15H16Z')}
      {line('M8 12H16M13 9.5L16 12L13 14.5')}
    </>
  ),
  process: (
    <>
      {body('M4 7A4 2.5 0 0 1 12 7V17A4 2.5 0 0 1 4 17Z')}
      {line('M12 9H20V15H12')}
    </>
  ),
};

const aliases: Record<string, string> = { filter: 'strainer', tower_cooling: 'tower', radio: 'gateway' };

/** The drawing of a class; one without a drawing is an empty box, so that nothing breaks. */
export function EquipmentSymbol({
  name,
  drive = 'unknown',
  size = 24,
}: {
  name: string;
  drive?: 'running' | 'stopped' | 'unknown';
  size?: number;
}) {
  const drawing = drawings[name] ?? drawings[aliases[name] ?? ''] ?? body('M4 4H20V20H4Z');
  return (
    <svg className={cx('sy', `sy-${drive}`)} width={size} height={size} viewBox="0 0 24 24" aria-hidden>
      {drawing}
    </svg>
  );
}

export const symbolNames = Object.keys(drawings);
