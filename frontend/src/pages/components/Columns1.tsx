import { IconClock, IconDots, IconLock, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { Button, Kbd, LevelBadge, Segmented, StateTag } from '../../parts/Controls';
import { EquipmentSymbol } from '../../parts/Symbol';

export function Buttons() {
  return (
    <section>
      <h2>Buttons</h2>
      <div className="cp-grid4">
        <span>
          <Button kind="primary">Plan sync</Button>
          <small>primary</small>
        </span>
        <span>
          <Button>Shelve</Button>
          <small>default</small>
        </span>
        <span>
          <Button kind="quiet">Pin</Button>
          <small>quiet</small>
        </span>
        <span>
          <Button kind="text">Copy</Button>
          <small>text</small>
        </span>
        <span>
          <Button className="cp-hover">Shelve</Button>
          <small>hover</small>
        </span>
        <span>
          <Button className="cp-pressed">Shelve</Button>
          <small>pressed</small>
        </span>
        <span>
          <Button className="cp-focus">Shelve</Button>
          <small>focus</small>
        </span>
        <span>
          <Button disabled>Shelve</Button>
          <small>disabled</small>
        </span>
        <span>
          <Button>
            Ack <Kbd>A</Kbd>
          </Button>
          <small>with key</small>
        </span>
        <span>
          <Button icon aria-label="More">
            <IconDots aria-hidden />
          </Button>
          <small>icon only</small>
        </span>
        <span>
          <Button aria-disabled>
            <IconLock aria-hidden /> Edit
          </Button>
          <small>no right</small>
        </span>
        <span>
          <Button kind="primary">Roll back 47…</Button>
          <small>destructive</small>
        </span>
      </div>
    </section>
  );
}

export function Inputs() {
  const [zone, setZone] = useState<'utc' | 'site'>('utc');
  return (
    <section>
      <h2>Inputs</h2>
      <div className="cp-inputs">
        <div className="field">
          <input aria-label="filter" placeholder="Filter tags" />
          <Kbd>/</Kbd>
        </div>
        <div className="field cp-focus">
          <input aria-label="focused" defaultValue="P-00" />
        </div>
        <div className="field">
          <input aria-label="number" className="num" defaultValue="6.50" />
          <span className="muted">bar</span>
        </div>
        <div className="field field-off">
          47 devices <IconLock aria-hidden style={{ marginLeft: 'auto', color: 'inherit' }} />
        </div>
        <div>
          <div className="field field-error">
            <input aria-label="wrong" className="num" defaultValue="19.5" />
            <span className="muted">bar</span>
          </div>
          <p className="field-note">Above limit 10 bar (nameplate)</p>
        </div>
        <div className="cp-right">
          <Segmented
            label="zone"
            value={zone}
            options={[
              { value: 'utc', label: 'UTC' },
              { value: 'site', label: 'site' },
            ]}
            onChange={setZone}
          />
        </div>
      </div>
    </section>
  );
}

export function Chips() {
  return (
    <section>
      <h2>Chips and badges</h2>
      <div className="cp-flow">
        <span className="chip">
          site <b>detroit</b> <IconX aria-hidden />
        </span>
        <span className="chip">
          fw <b className="mono">&lt; 2.4.0</b> <IconX aria-hidden />
        </span>
        <span className="tag tag-inverse">PAUSED</span>
        <span className="tag tag-letter">L</span>
      </div>
      <div className="cp-flow">
        <span className="tag">SIM</span>
        <StateTag word="RUNNING" drive="running" />
        <StateTag word="STOPPED" drive="stopped" />
        <Kbd>Ctrl K</Kbd>
        <span className="tag">HIHI</span>
      </div>
      <div className="cp-flow cp-tight">
        {[
          'enterprise',
          'site',
          'area',
          'line',
          'work_center',
          'work_unit',
          'equipment',
          'component',
          'tag',
        ].map((l) => (
          <LevelBadge key={l} level={l} />
        ))}
      </div>
      <div className="cp-flow">
        <span className="cp-asof">
          <IconClock size={13} aria-hidden /> AS OF 12 Mar 2026 14:05:00 EDT <Kbd>Esc</Kbd>
        </span>
      </div>
    </section>
  );
}

const shown = ['pump', 'motor', 'valve', 'tank', 'exchanger', 'strainer', 'drive', 'robot', 'gateway'];
const more = [
  'valve_on_off',
  'control_valve',
  'reactor',
  'separator',
  'stripper',
  'condenser',
  'compressor',
  'chiller',
  'tower',
  'heater',
  'mixer',
  'fan',
  'conveyor',
  'header',
  'meter',
  'analyzer',
  'sensor',
  'plc',
  'weld_gun',
  'weld_cell',
  'station',
  'process',
  'line',
  'area',
  'site',
  'enterprise',
  'vessel',
];

export function Equipment() {
  return (
    <section>
      <h2>Equipment, running and stopped</h2>
      <div className="cp-symbols">
        {shown.map((s) => (
          <EquipmentSymbol key={s} name={s} drive="running" size={20} />
        ))}
        {shown.map((s) => (
          <EquipmentSymbol key={s} name={s} drive="stopped" size={20} />
        ))}
        {more.map((s) => (
          <EquipmentSymbol key={s} name={s} size={20} />
        ))}
      </div>
    </section>
  );
}

export function Tabs() {
  return (
    <section className="cp-flush">
      <div className="tabs">
        <span className="tab" aria-current="page">
          Overview
        </span>
        <span className="tab">Trend</span>
        <span className="tab">
          Relations <small>9</small>
        </span>
        <span className="tab">Nameplate</span>
      </div>
    </section>
  );
}
