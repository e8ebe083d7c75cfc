// A stand-in for the backend, for vite dev and screenshots only. It answers the
// same paths with made-up values and forgets everything when it stops.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { classes, isBad, isStale, plant, qualityOf, relationsOf, valueAt } from './plant.mjs';

const port = Number(process.env.PORT ?? 8787);
const assets = plant(Number(process.env.ASSETS ?? 0));
const byId = new Map(assets.map((a) => [a.id, a]));
const find = (key) => byId.get(key) ?? assets.find((a) => a.path === key);
const iso = (ms) => new Date(ms).toISOString();
const started = Date.now();

const brief = (a) => ({
  id: a.id,
  path: a.path,
  name: a.name,
  level: a.level,
  class: a.class,
  title: a.title,
});
const full = (a) => ({
  ...brief(a),
  parent_id: a.parent?.id,
  nameplate: { manufacturer: 'Northfall', model: 'NF 80-250' },
  tags: a.tags,
  version: 1,
});

function reading(a, tag, now) {
  const ts = isStale(a, tag) ? now - 252_000 : now - (now % 1000);
  const v = valueAt(a, tag, ts, now);
  const { hihi, hi, lo, lolo } = tag.limits;
  let limit_state = '';
  if (typeof v === 'number') {
    if (hihi != null && v >= hihi) limit_state = 'hihi';
    else if (hi != null && v >= hi) limit_state = 'hi';
    else if (lolo != null && v <= lolo) limit_state = 'lolo';
    else if (lo != null && v <= lo) limit_state = 'lo';
  }
  return {
    v,
    q: isBad(a, tag) ? 24 : qualityOf(a, tag),
    ts: iso(ts),
    received: iso(ts + 140),
    unit: tag.unit,
    limit_state,
    stale: isStale(a, tag),
  };
}

const gateways = ['gw-det-01', 'gw-det-02', 'gw-rot-01', 'gw-rot-02'];
function devices() {
  const now = Date.now();
  const gw = gateways.map((id, i) => ({
    device_id: id,
    kind: 'gateway',
    device_type: 'gateway',
    site: i < 2 ? 'detroit' : 'rotterdam',
    online: i !== 3,
    last_seen: iso(i === 3 ? now - 252_000 : now - 800),
    unsent: i === 2 ? 412 : 0,
    firmware: '2.3.1',
    topic: `acme/${id}`,
    asset_path: assets.find((a) => a.name === id)?.path,
  }));
  const hosted = assets
    .filter((a) => a.level === 'equipment' && a.tags.length > 0 && a.class !== 'gateway')
    .map((a) => ({
      device_id: a.name,
      kind: 'hosted',
      device_type: a.class,
      gateway: a.path.includes('rotterdam') ? 'gw-rot-01' : 'gw-det-01',
      site: a.path.split('/')[1],
      area: a.path.split('/')[2],
      line: a.path.split('/')[3],
      asset_id: a.id,
      asset_path: a.path,
      online: true,
      last_seen: iso(now - 900),
      topic: `acme/${a.name}`,
    }));
  return [...gw, ...hosted];
}

function overview() {
  const now = Date.now();
  const at = (a, name) =>
    valueAt(
      a,
      a.tags.find((t) => t.name === name),
      now - (now % 2000),
      now,
    );
  const top = assets[0];
  const worst = assets
    .filter((a) => a.level === 'equipment' || a.level === 'component')
    .slice(0, 90)
    .flatMap((a) =>
      a.tags
        .filter((t) => t.type === 'float64' && t.normal.high != null)
        .map((t) => {
          const r = reading(a, t, now);
          const over = r.v > t.normal.high;
          const lim = over ? (t.limits.hihi ?? t.limits.hi) : (t.limits.lolo ?? t.limits.lo);
          const edge = over ? t.normal.high : t.normal.low;
          const out = over || r.v < t.normal.low;
          const severity = out && lim != null ? (r.v - edge) / (lim - edge) : 0;
          return {
            ...brief(a),
            tag: t.name,
            unit: t.unit,
            decimals: t.decimals,
            v: r.v,
            q: 192,
            ts: r.ts,
            severity,
            limit_state: r.limit_state,
            limit: lim ?? null,
            normal: t.normal,
            since: iso(now - 3_400_000 * (severity + 0.1)),
          };
        }),
    )
    .filter((w) => w.severity > 0 && !['P-004', 'P-008', 'P-012', 'M-004', 'M-008', 'M-012'].includes(w.name))
    .sort((x, y) => y.severity - x.severity)
    .slice(0, 10);
  const all = devices();
  return {
    server_time: iso(now),
    tags_checked: assets.reduce((n, a) => n + a.tags.length, 0),
    newest: iso(now - 900),
    signals: {
      connectivity: {
        v: at(top, 'connectivity_pct'),
        unit: '%',
        of: all.length,
        n: all.filter((d) => d.online).length,
        target: 99,
      },
      throughput: { v: at(top, 'throughput_msg_s'), unit: 'msg/s' },
      errors: { v: at(top, 'errors_pct'), unit: '%', n: 7, limit: 0.05 },
      freshness: { v: at(top, 'freshness_pct'), unit: '%', of: 712, n: 706, target: 99 },
    },
    sites: assets
      .filter((a) => a.level === 'site')
      .map((a) => ({
        ...brief(a),
        time_zone: a.name === 'detroit' ? 'America/Detroit' : 'Europe/Amsterdam',
        devices: all.filter((d) => d.site === a.name).length,
        connectivity: at(a, 'connectivity_pct'),
        throughput: at(a, 'throughput_msg_s'),
        errors: at(a, 'errors_pct'),
        freshness: at(a, 'freshness_pct'),
        buffered: at(a, 'buffered_msg'),
      })),
    worst,
    enterprise: { id: top.id, path: top.path },
  };
}

function instant(word, now) {
  if (!word || word === 'now') return now;
  const m = /^now-(\d+)([smhd])$/.exec(word);
  if (m) return now - Number(m[1]) * { s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 }[m[2]];
  return Date.parse(word);
}

function history(q) {
  const now = Date.now();
  const from = instant(q.get('from'), now);
  const to = Math.min(instant(q.get('to'), now), now);
  const points = Math.min(Number(q.get('max_points') ?? 1200), 2000);
  const step = Math.max(1000, Math.floor((to - from) / points / 1000) * 1000);
  const series = q.getAll('tag').flatMap((spec) => {
    const cut = spec.lastIndexOf(':');
    const a = find(spec.slice(0, cut));
    const tag = a?.tags.find((t) => t.name === spec.slice(cut + 1));
    if (!a || !tag) return [];
    const hour = 3_600_000;
    const p7 = a.name === 'P-007';
    const gaps =
      p7 && tag.name === 'temp_bearing_de_c'
        ? [
            {
              from: now - 3 * hour,
              to: now - 2.75 * hour,
              cause: 'dead_letter',
              count: 14,
              open: false,
              healed_at: null,
              detail: 'schema 3',
            },
          ]
        : p7 && tag.name === 'pressure_in_bar'
          ? [
              {
                from: now - 5 * hour,
                to: now - 4.4 * hour,
                cause: 'offline',
                count: 2160,
                open: true,
                healed_at: null,
                detail: '',
              },
            ]
          : p7 && tag.name === 'pressure_out_bar'
            ? [
                {
                  from: now - 6 * hour,
                  to: now - 5.7 * hour,
                  cause: 'buffer_overrun',
                  count: 900,
                  open: true,
                  healed_at: null,
                  detail: '',
                },
              ]
            : [];
    const backfilled =
      p7 && tag.name === 'flow_m3h'
        ? [{ from: now - 5.4 * hour, to: now - 5.05 * hour, arrived: now - 5 * hour }]
        : [];
    const out = { ts: [], v: [], q: [] };
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
      if (t < now - 6 * 86_400_000) continue; // the plant is six days old
      if (gaps.some((g) => t > g.from && t < g.to)) continue;
      out.ts.push(t);
      out.v.push(valueAt(a, tag, t, now));
      const badFor = p7 && tag.name === 'motor_current_a' && t > now - 4 * hour && t < now - 3.8 * hour;
      out.q.push(badFor ? 24 : p7 && tag.name === 'temp_inlet_c' && t > now - 1.5 * hour ? 80 : 192);
    }
    return [
      {
        asset_id: a.id,
        path: a.path,
        tag: tag.name,
        name: a.name,
        unit: tag.unit,
        decimals: tag.decimals,
        type: tag.type,
        resolution: step > 1000 ? 'min-max' : 'raw',
        ...out,
        gaps: gaps.map((g) => ({ ...g, from: iso(g.from), to: iso(g.to) })),
        backfilled: backfilled.map((b) => ({ from: iso(b.from), to: iso(b.to), arrived: iso(b.arrived) })),
      },
    ];
  });
  return { from: iso(from), to: iso(to), server_time: iso(now), series };
}

const gaps = () => [
  {
    id: 'g1',
    device_id: 'gw-rot-02',
    epoch: 4,
    channel: 'telemetry',
    from_seq: 88120,
    to_seq: 90279,
    count: 2160,
    detected: iso(started - 5 * 3.6e6),
    cause: 'offline',
    from: iso(started - 5 * 3.6e6),
    to: iso(started - 4.4 * 3.6e6),
    healed_at: null,
  },
  {
    id: 'g2',
    device_id: 'P-011',
    epoch: 2,
    channel: 'telemetry',
    from_seq: 412,
    to_seq: 425,
    count: 14,
    detected: iso(started - 3 * 3.6e6),
    cause: 'dead_letter',
    from: iso(started - 3 * 3.6e6),
    to: iso(started - 2.75 * 3.6e6),
    healed_at: null,
  },
  {
    id: 'g3',
    device_id: 'gw-det-02',
    epoch: 9,
    channel: 'telemetry',
    from_seq: 120_004,
    to_seq: 121_263,
    count: 1260,
    detected: iso(started - 5.4 * 3.6e6),
    cause: 'offline',
    from: iso(started - 5.4 * 3.6e6),
    to: iso(started - 5.05 * 3.6e6),
    healed_at: iso(started - 5 * 3.6e6),
    healed_how: 'resent',
  },
];
const b64 = (s) => Buffer.from(s).toString('base64');
const letters = () => [
  {
    id: 'd1',
    received: iso(started - 61_000),
    topic: 'acme/detroit/body-shop/line-3/P-011/telemetry',
    device_id: 'P-011',
    reason: 'unknown schema',
    detail: 'schema "3.0": this backend reads 2.1 and 2.2',
    size: 212,
    payload_base64: b64('{"schema":"3.0","seq":425,"tags":{"flow_m3h":[118.2]}}'),
    count: 14,
  },
  {
    id: 'd2',
    received: iso(started - 420_000),
    topic: 'acme/detroit/body-shop/line-1/R-014/telemetry',
    device_id: 'R-014',
    reason: 'invalid utf-8',
    detail: 'byte 17: 0xff',
    size: 40,
    payload_base64: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x00, 0x41]).toString('base64'),
  },
  {
    id: 'd3',
    received: iso(started - 7_300_000),
    topic: 'acme/rotterdam/_/_/T-900/telemetry',
    device_id: 'T-900',
    reason: 'clock',
    detail: 'ts 2031-01-01T00:00:00Z is 4 yr ahead',
    size: 133,
    payload_base64: b64('<script>alert(1)</script>'),
  },
];
const groups = [
  {
    fingerprint: 'f1',
    device_type: 'centrifugal_pump',
    reason: 'unknown schema',
    version: '3.0',
    count: 14,
    last: iso(started - 61_000),
  },
  {
    fingerprint: 'f2',
    device_type: 'robot',
    reason: 'invalid utf-8',
    count: 1,
    last: iso(started - 420_000),
  },
];

function tree() {
  const row = new Map(assets.map((a, i) => [a.id, i]));
  return {
    rev: 1,
    as_of: iso(Date.now()),
    id: assets.map((a) => a.id),
    parent: assets.map((a) => (a.parent ? row.get(a.parent.id) : -1)),
    name: assets.map((a) => a.name),
    title: assets.map((a) => a.title),
    level: assets.map((a) => a.level),
    class: assets.map((a) => a.class),
    tags: assets.map((a) => a.tags.length),
  };
}

function twin(a) {
  const now = Date.now();
  const d = devices().find((x) => x.device_id === a.name);
  return {
    ...brief(a),
    nameplate: { manufacturer: 'Northfall', model: 'NF 80-250' },
    reported: Object.fromEntries(a.tags.map((t) => [t.name, reading(a, t, now)])),
    desired: {},
    computed: {},
    version: 1,
    device: d
      ? {
          device_id: d.device_id,
          kind: d.kind,
          gateway: d.gateway,
          online: d.online,
          last_seen: d.last_seen,
          firmware: '2.3.1',
        }
      : null,
    server_time: iso(now),
  };
}

function stream(req, res, url) {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  let n = 0;
  const send = (event, data) => res.write(`id: e-${++n}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  res.write('retry: 3000\n\n');
  send('hello', { server_time: iso(Date.now()), version: '0.1.0-mock' });
  const topics = url.searchParams.getAll('topic');
  const twins = topics
    .filter((t) => t.startsWith('twin:'))
    .map((t) => find(t.slice(5)))
    .filter(Boolean);
  const timers = [
    setInterval(() => {
      const now = Date.now();
      const items = twins.map((a) => ({
        id: a.id,
        reported: Object.fromEntries(
          a.tags.filter((t) => !isStale(a, t)).map((t) => [t.name, reading(a, t, now)]),
        ),
      }));
      if (items.length > 0) send('twin', { items });
    }, 1000),
  ];
  if (topics.includes('fleet')) timers.push(setInterval(() => send('fleet', overview()), 2000));
  req.on('close', () => timers.forEach(clearInterval));
}

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};
const csp =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'";

/** The built console, as the backend serves it. */
async function page(res, path) {
  const dist = new URL('../dist/', import.meta.url).pathname;
  const file = extname(path) === '' ? 'index.html' : path.slice(1);
  try {
    const body = await readFile(join(dist, file));
    res.writeHead(200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': csp,
    });
    res.end(body);
  } catch {
    res.writeHead(404).end();
  }
}

createServer((req, res) => {
  const url = new URL(req.url, 'http://x');
  if (!url.pathname.startsWith('/api/v1')) return void page(res, url.pathname);
  const path = url.pathname.slice(7);
  const q = url.searchParams;
  const json = (body, status = 200) => {
    const text = JSON.stringify(body);
    const gz = text.length > 1400 && /gzip/.test(req.headers['accept-encoding'] ?? '');
    res.writeHead(status, {
      'content-type': status < 400 ? 'application/json' : 'application/problem+json',
      ...(gz ? { 'content-encoding': 'gzip' } : {}),
    });
    res.end(gz ? gzipSync(text) : text);
  };
  const problem = (status, title, detail = '') =>
    json({ status, title, detail, request_id: '01JQ8ZK4' }, status);
  if (path === '/login') {
    let body = '';
    req.on('data', (d) => (body += d));
    req.on('end', () => {
      const { user, password } = JSON.parse(body);
      if (password !== 'demo') return problem(401, 'unauthorized');
      json({
        token: 'mock',
        expires_at: iso(Date.now() + 8.64e7),
        user,
        tenant: 'acme',
        roles: ['tenant_admin'],
      });
    });
    return undefined;
  }
  if (req.headers.authorization !== 'Bearer mock') return problem(401, 'unauthorized');
  const asset = /^\/assets\/([^/]+)(\/twin|\/relations)?$/.exec(path);
  if (path === '/me')
    return json({
      user: 'maria.kern@acme',
      tenant: 'acme',
      roles: ['tenant_admin'],
      expires_at: iso(Date.now() + 8.64e7),
      server_time: iso(Date.now()),
      version: '0.1.0-mock',
    });
  if (path === '/logout') return void res.writeHead(204).end();
  if (path === '/overview') return json(overview());
  if (path === '/assets/tree') return json(tree());
  if (path === '/classes') return json({ items: classes });
  if (asset) {
    const a = find(decodeURIComponent(asset[1]));
    if (!a) return problem(404, 'not found', `no asset ${asset[1]}`);
    return json(
      asset[2] === '/twin'
        ? twin(a)
        : asset[2] === '/relations'
          ? { items: relationsOf(assets, a) }
          : full(a),
    );
  }
  if (path === '/history') {
    const h = history(q);
    if (req.headers.accept !== 'text/csv') return json(h);
    res.writeHead(200, { 'content-type': 'text/csv' });
    return void res.end(
      h.series
        .map((s) =>
          s.ts.map((t, i) => `${iso(t)},${s.path},${s.tag},${s.v[i]},${s.unit},${s.q[i]}`).join('\n'),
        )
        .join('\n'),
    );
  }
  if (path === '/devices') {
    const words = (q.get('q') ?? '').toLowerCase();
    const items = devices().filter(
      (d) =>
        (!q.get('site') || d.site === q.get('site')) &&
        (!q.get('kind') || d.kind === q.get('kind')) &&
        (!q.get('online') || String(d.online) === q.get('online')) &&
        d.device_id.toLowerCase().includes(words),
    );
    return json({ items, total: devices().length });
  }
  if (path === '/gaps')
    return json({ items: gaps().filter((g) => q.get('open') !== 'true' || !g.healed_at) });
  if (path === '/deadletters') return json({ items: letters(), groups });
  if (path === '/stream') return stream(req, res, url);
  return problem(404, 'not found', path);
}).listen(port, '127.0.0.1', () =>
  console.log(`mock backend on http://127.0.0.1:${port}, any user, password demo`),
);
