// A small made-up plant for looking at the console without a backend.

const num = (name, title, unit, decimals, range, normal, limits, extra = {}) => ({
  name,
  title,
  type: 'float64',
  unit,
  decimals,
  range: { low: range[0], high: range[1] },
  normal: normal ? { low: normal[0], high: normal[1] } : {},
  limits: limits ?? {},
  states: [],
  interval_ms: 1000,
  writable: false,
  ...extra,
});

const pump = [
  num('vibration_rms', 'Vibration velocity', 'mm/s', 1, [0, 15], [0.6, 4.5], { hi: 7.1, hihi: 11 }),
  num('temp_bearing_de_c', 'Bearing temperature, drive end', 'Cel', 1, [0, 120], [45, 75], {
    hi: 85,
    hihi: 95,
  }),
  num('temp_bearing_nde_c', 'Bearing temperature, non-drive end', 'Cel', 1, [0, 120], [40, 72], {
    hi: 85,
    hihi: 95,
  }),
  num(
    'flow_m3h',
    'Delivered flow',
    'm3/h',
    1,
    [0, 160],
    [96, 132],
    { lolo: 60, hihi: 150 },
    { setpoint: 'flow_sp_m3h' },
  ),
  num('flow_sp_m3h', 'Flow setpoint', 'm3/h', 0, [0, 160], null, {}, { writable: true }),
  num('pressure_in_bar', 'Suction pressure', 'bar', 2, [0, 6], [1.4, 2.6], { lolo: 0.8, hihi: 5 }),
  num('pressure_out_bar', 'Discharge pressure', 'bar', 2, [0, 12], [5.6, 7.4], { lolo: 4, hihi: 10 }),
  num('temp_inlet_c', 'Water temperature at the inlet', 'Cel', 1, [0, 60], [16, 26], { hihi: 40 }),
  num('motor_current_a', 'Motor current', 'A', 1, [0, 80], [34, 56], { hihi: 68 }),
  num('speed_rpm', 'Shaft speed', '{rev}/min', 0, [0, 1800], [1380, 1490], { hihi: 1660 }),
  num('seal_flush_lpm', 'Seal flush flow', 'L/min', 1, [0, 12], [5, 9], { lolo: 3 }),
  { ...num('running', 'Running', '', 0, [null, null]), type: 'bool' },
  num('run_hours_h', 'Hours run', 'h', 0, [0, null]),
];
const motor = [
  num('current_a', 'Phase current', 'A', 1, [0, 80], [28, 52], { hi: 57, hihi: 62 }),
  num('winding_temp_c', 'Winding temperature', 'Cel', 1, [0, 200], [25, 105], { hi: 125, hihi: 145 }),
];
const drive = [
  {
    ...num('state', 'State', '', 0, [null, null]),
    type: 'enum',
    states: ['off', 'ready', 'running', 'warning', 'fault'],
  },
  num('output_hz', 'Output frequency', 'Hz', 2, [0, 60], [46, 50.5], { hi: 53, hihi: 56 }),
];
const tank = [num('level_pct', 'Level', '%', 1, [0, 100], [45, 80], { lolo: 15, lo: 25, hi: 90, hihi: 95 })];
const exchanger = [num('approach_k', 'Approach', 'K', 1, [0, 30], [3, 9], { hi: 14, hihi: 18 })];
const reactor = [
  num('pressure_kpa', 'Reactor pressure', 'kPa', 0, [0, 3500], [2600, 2800], { hi: 2895, hihi: 3000 }),
  num('temp_c', 'Reactor temperature', 'Cel', 1, [0, 200], [118, 123], { hi: 150, hihi: 175 }),
  num('level_pct', 'Reactor level', '%', 1, [0, 120], [65, 85], { lo: 50, hi: 100 }),
];
const scope = [
  num('connectivity_pct', 'Devices online', '%', 1, [0, 100], [99, 100], { lo: 95 }),
  num('throughput_msg_s', 'Messages taken', '{msg}/s', 0, [0, null]),
  num('errors_pct', 'Messages refused', '%', 2, [0, 100], [0, 0.05], { hi: 1 }),
  num('freshness_pct', 'Tags on time', '%', 1, [0, 100], [99, 100], { lo: 95 }),
  num('buffered_msg', 'Messages waiting', '{msg}', 0, [0, null], [0, 500], { hi: 5000 }),
];

export const classes = [
  { name: 'enterprise', title: 'Enterprise', symbol: 'enterprise', tags: scope },
  { name: 'site', title: 'Site', symbol: 'site', tags: scope },
  { name: 'area', title: 'Area', symbol: 'area', tags: [] },
  { name: 'production_line', title: 'Production line', symbol: 'line', tags: [] },
  { name: 'cooling_loop', title: 'Cooling loop', symbol: 'station', tags: [] },
  { name: 'centrifugal_pump', title: 'Centrifugal pump', symbol: 'pump', tags: pump },
  { name: 'induction_motor', title: 'Induction motor', symbol: 'motor', tags: motor },
  { name: 'variable_speed_drive', title: 'Variable speed drive', symbol: 'drive', tags: drive },
  { name: 'tank', title: 'Tank', symbol: 'tank', tags: tank },
  { name: 'strainer', title: 'Suction strainer', symbol: 'strainer', tags: [] },
  { name: 'plate_exchanger', title: 'Plate exchanger', symbol: 'exchanger', tags: exchanger },
  { name: 'reactor', title: 'Reactor', symbol: 'reactor', tags: reactor },
  {
    name: 'gateway',
    title: 'Edge gateway',
    symbol: 'gateway',
    tags: [num('outbox_unsent', 'Messages waiting', '{msg}', 0, [0, null], [0, 500], { hi: 5000 })],
  },
].map((c) => ({
  nameplate: [
    { name: 'manufacturer', title: 'Manufacturer' },
    { name: 'model', title: 'Model' },
  ],
  ...c,
}));

const classOf = new Map(classes.map((c) => [c.name, c]));
const pad = (n) => String(n).padStart(3, '0');

/** All assets in depth-first order. */
export function plant(extra = 0) {
  const assets = [];
  const add = (parent, name, level, cls, title) => {
    const path = parent === null ? name : `${parent.path}/${name}`;
    const a = {
      id: `01J${String(assets.length).padStart(23, '0')}`,
      path,
      name,
      level,
      class: cls,
      title,
      parent,
      tags: classOf.get(cls)?.tags ?? [],
    };
    assets.push(a);
    return a;
  };
  const acme = add(null, 'acme', 'enterprise', 'enterprise', 'Acme Manufacturing');
  const detroit = add(acme, 'detroit', 'site', 'site', 'Detroit assembly');
  const body = add(detroit, 'body-shop', 'area', 'area', 'Body shop');
  for (const l of [1, 2]) add(body, `line-${l}`, 'work_center', 'production_line', `Weld line ${l}`);
  const line3 = add(body, 'line-3', 'work_center', 'production_line', 'Weld line 3');
  for (let loop = 1; loop <= 3; loop++) {
    const cooling = add(line3, `cooling-${loop}`, 'work_unit', 'cooling_loop', `Cooling loop ${loop}`);
    add(cooling, `T-${pad(loop)}`, 'equipment', 'tank', `Buffer tank ${loop}`);
    add(cooling, `F-${pad(loop)}`, 'equipment', 'strainer', 'Suction strainer');
    for (let k = 1; k <= 4; k++) {
      const n = (loop - 1) * 4 + k;
      const p = add(cooling, `P-${pad(n)}`, 'equipment', 'centrifugal_pump', `Cooling water pump ${n}`);
      add(p, `M-${pad(n)}`, 'component', 'induction_motor', 'Motor 30 kW');
      add(p, `VSD-${pad(n)}`, 'component', 'variable_speed_drive', 'Drive 30 kW');
    }
    add(cooling, `HX-${pad(loop)}`, 'equipment', 'plate_exchanger', `Plate exchanger ${loop}`);
  }
  for (const l of [4, 5]) add(body, `line-${l}`, 'work_center', 'production_line', `Weld line ${l}`);
  for (const g of ['gw-det-01', 'gw-det-02']) add(detroit, g, 'equipment', 'gateway', 'Edge gateway');
  const rot = add(acme, 'rotterdam', 'site', 'site', 'Rotterdam process');
  const te = add(rot, 'tennessee', 'area', 'area', 'Tennessee process');
  const cell = add(te, 'cell-1', 'work_center', 'production_line', 'Process cell');
  add(cell, 'R-001', 'equipment', 'reactor', 'Reactor');
  for (const g of ['gw-rot-01', 'gw-rot-02']) add(rot, g, 'equipment', 'gateway', 'Edge gateway');
  if (extra > 0) {
    const bulk = add(rot, 'tank-farm', 'area', 'area', 'Tank farm');
    for (let i = 0; assets.length < extra; i++) {
      const l = add(bulk, `row-${i}`, 'work_center', 'production_line', `Row ${i}`);
      for (let j = 0; j < 40 && assets.length < extra; j++)
        add(l, `P-${i}-${pad(j)}`, 'equipment', 'centrifugal_pump', 'Transfer pump');
    }
  }
  return assets;
}

const hash = (s) => [...s].reduce((h, c) => Math.imul(h ^ c.charCodeAt(0), 16777619) >>> 0, 2166136261);
const dot = (i, seed) => ((Math.imul((i ^ seed) >>> 0, 2654435761) >>> 8) % 2000) / 1000 - 1;
const smooth = (t, seed, period) => {
  const x = t / period;
  const i = Math.floor(x);
  const f = (x - i) * (x - i) * (3 - 2 * (x - i));
  return dot(i, seed) * (1 - f) + dot(i + 1, seed) * f;
};
// Slow wandering with a little noise, as measured values have.
const wave = (t, seed, period) =>
  0.7 * smooth(t, seed, period * 0.6) + 0.5 * smooth(t, seed + 7, period * 0.14);
const grain = (t, seed) =>
  0.55 * smooth(t, seed, 240_000) + 0.3 * smooth(t, seed + 3, 60_000) + 0.1 * dot(Math.floor(t / 1000), seed);

/** The value of a tag at an instant; P-007 degrades over the last two hours. */
export function valueAt(asset, tag, t, now) {
  const seed = hash(asset.path + tag.name);
  if (tag.type === 'bool') return !['P-004', 'P-008', 'P-012'].includes(asset.name);
  if (tag.type === 'enum') return ['VSD-004', 'VSD-008', 'VSD-012'].includes(asset.name) ? 1 : 2;
  const stopped = ['P-004', 'P-008', 'P-012', 'M-004', 'M-008', 'M-012'].includes(asset.name);
  if (tag.name === 'run_hours_h') return 14206 + (seed % 900) + (t - now) / 3.6e6;
  if (tag.name === 'flow_sp_m3h') return 120;
  if (tag.name === 'throughput_msg_s')
    return (asset.level === 'site' ? 290 : 582) + 18 * wave(t, seed, 4e6) + 14 * grain(t, seed);
  if (tag.name === 'connectivity_pct')
    return Math.min(100, 99.5 + 0.25 * wave(t, seed, 7e6) + 0.12 * grain(t, seed));
  if (tag.name === 'freshness_pct')
    return Math.min(
      100,
      (asset.name === 'rotterdam' ? 98.1 : 99.4) + 0.25 * wave(t, seed, 8e6) + 0.1 * grain(t, seed),
    );
  if (tag.name === 'errors_pct')
    return Math.max(0, 0.02 + 0.008 * wave(t, seed, 5e6) + 0.007 * grain(t, seed));
  if (tag.name === 'buffered_msg' || tag.name === 'outbox_unsent')
    return asset.name.includes('rot') ? Math.max(0, Math.round(220 + 200 * wave(t, seed, 9e6))) : 0;
  const { low = 0, high = 100 } = { ...tag.range, ...tag.normal };
  const mid = (low + high) / 2;
  const half = (high - low) / 2;
  let v = mid + half * (0.28 * wave(t, seed, 5.3e6) + 0.12 * wave(t, seed, 9.1e5) + 0.14 * grain(t, seed));
  if (asset.name === 'P-007') {
    const bad = Math.max(0, 1 - (now - t) / 7.2e6);
    if (tag.name === 'vibration_rms') v = 3.6 + 0.4 * grain(t, seed) + 8 * bad ** 2.2;
    if (tag.name === 'temp_bearing_de_c') v = 62 + 0.8 * grain(t, seed) + 20 * bad ** 1.3;
  }
  if (asset.name === 'HX-002' && tag.name === 'approach_k') v = 15.2 + 0.3 * grain(t, seed);
  if (asset.name === 'P-010' && tag.name === 'motor_current_a') v = 58.4 + 0.6 * grain(t, seed);
  if (asset.name === 'T-001' && tag.name === 'level_pct') v = 31 + 0.6 * grain(t, seed);
  if (stopped && tag.name !== 'temp_inlet_c') v = tag.range.low ?? 0;
  return Number(v.toFixed(tag.decimals + 1));
}

/** The quality byte, chosen so that every case can be seen on P-007. */
export function qualityOf(asset, tag) {
  if (asset.name !== 'P-007') return 192;
  return { temp_inlet_c: 80, speed_rpm: 216, motor_current_a: 192, pressure_in_bar: 192 }[tag.name] ?? 192;
}

export const isStale = (asset, tag) => asset.name === 'P-007' && tag.name === 'seal_flush_lpm';
export const isBad = (asset, tag) => asset.name === 'P-006' && tag.name === 'pressure_out_bar';

export function relationsOf(assets, a) {
  const by = (name) => assets.find((x) => x.name === name);
  const rel = (type, direction, name, attributes = {}) => {
    const x = by(name);
    return x === undefined
      ? []
      : [
          {
            type,
            direction,
            attributes,
            asset: { id: x.id, path: x.path, name: x.name, level: x.level, class: x.class, title: x.title },
          },
        ];
  };
  if (a.class !== 'centrifugal_pump') return [];
  const n = Number(a.name.slice(2));
  const loop = Math.ceil(n / 4);
  return [
    ...rel('feeds', 'in', `F-${pad(loop)}`, { medium: 'water' }),
    ...rel('drives', 'in', `M-${pad(n)}`),
    ...rel('feeds', 'out', `HX-${pad(loop)}`, { medium: 'water' }),
    ...rel('feeds', 'out', `T-${pad(loop)}`),
    ...rel('spare_of', 'in', `P-${pad(loop * 4)}`),
  ];
}
