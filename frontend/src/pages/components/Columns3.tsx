import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { AlarmGlyph } from '../../parts/AlarmGlyph';
import { LevelBadge } from '../../parts/Controls';
import { cx } from '../../parts/cx';

export function Tables() {
  const rows = [
    {
      p: '1',
      s: 'unacked',
      time: '14:03:11',
      asset: 'P-007',
      text: 'Vibration HIHI',
      v: '11.6',
      cls: 'strong',
    },
    {
      p: '2',
      s: 'acked',
      time: '13:58:40',
      asset: 'P-014',
      text: 'Selected row',
      v: '84.2',
      cls: 'cp-selected',
    },
    {
      p: '3',
      s: 'acked',
      time: '13:47:02',
      asset: 'C-031',
      text: 'Hovered row',
      v: '61.0',
      cls: 'cp-hovered',
    },
    { p: '4', s: 'acked', time: '13:40:00', asset: 'F-021', text: 'Resting row', v: '182', cls: '' },
    {
      p: '3',
      s: 'returned',
      time: '13:38:27',
      asset: 'T-002',
      text: 'Focused row',
      v: '2.1',
      cls: 'cp-focused',
    },
  ] as const;
  return (
    <section className="cp-flush">
      <h2>Table, 28 px rows</h2>
      <table className="table">
        <thead>
          <tr>
            <th aria-label="priority" />
            <th>Time</th>
            <th>Asset</th>
            <th>Message</th>
            <th className="num">Value</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((r) => (
            <tr key={r.time} className={r.cls}>
              <td>
                <AlarmGlyph priority={r.p} state={r.s} />
              </td>
              <td>{r.time}</td>
              <td className="mono">{r.asset}</td>
              <td>{r.text}</td>
              <td className="num">{r.v}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function Trees() {
  const rows = [
    { depth: 0, level: 'site', name: 'detroit', open: true, count: '56', cls: '' },
    { depth: 1, level: 'line', name: 'line-3', open: true, count: '48', cls: '' },
    { depth: 2, level: 'equipment', name: 'P-007', open: true, count: '', cls: 'at-on' },
    { depth: 3, level: 'tag', name: 'flow_m3h', open: null, count: '118.3', cls: '' },
    { depth: 2, level: 'equipment', name: 'P-008', open: null, count: '', cls: 'at-faded' },
    { depth: 2, level: 'work_center', name: 'loading…', open: false, count: '', cls: 'cp-focused' },
  ];
  return (
    <section className="cp-flush">
      <h2>Tree rows</h2>
      {rows.map((r) => (
        <div key={r.name} className={cx('at-row cp-tree', r.cls)} style={{ paddingLeft: 8 + r.depth * 14 }}>
          <span className="at-cell">
            <span className="at-toggle">
              {r.open === null ? null : r.open ? <IconChevronDown /> : <IconChevronRight />}
            </span>
            <LevelBadge level={r.level} />
            <span className={cx('at-name', /\d/.test(r.name) && r.level !== 'line' && 'mono')}>{r.name}</span>
            <span className="at-count">{r.count}</span>
          </span>
        </div>
      ))}
    </section>
  );
}

export function Popover() {
  return (
    <section>
      <h2>Popover</h2>
      <dl className="cp-pop">
        {[
          ['Topic', 'acme/detroit/…/P-007/telemetry'],
          ['Source time', '14:04:59.812 EST'],
          ['Server time', '14:04:59.955, +143 ms'],
          ['Age', '1 s of 2 s interval'],
          ['Quality', '192 good'],
        ].map(([k, v]) => (
          <div key={k}>
            <dt>{k}</dt>
            <dd>{v}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
