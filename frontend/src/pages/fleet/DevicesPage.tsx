import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { IconFilter2 } from '@tabler/icons-react';
import { useDeferredValue, useEffect, useRef, useState } from 'react';
import { devicesQuery, overviewQuery } from '../../api/queries';
import type { Device } from '../../api/types';
import { Button, FilterChip, Kbd, Section, Segmented } from '../../parts/Controls';
import { Async, Empty } from '../../parts/States';
import { cx } from '../../parts/cx';
import { useTopic } from '../../shell/live';
import { useClock } from '../../shell/stores';
import { assetLink, useZone, type FleetSearch } from '../../shell/url';
import { t } from '../../shell/words';
import { formatAge, formatNumber } from '../../twin/format';
import { formatStamp } from '../../twin/time';
import './fleet.css';

type Online = 'all' | 'true' | 'false';

/** Every device: is it there, since when not, through which gateway. */
export function DevicesPage() {
  const search: FleetSearch = useSearch({ strict: false });
  const navigate = useNavigate();
  const [typed, setTyped] = useState(search.q ?? '');
  const words = useDeferredValue(typed.trim());
  const { site, kind, online } = search;
  const query = useQuery(devicesQuery({ site, kind, online, q: words === '' ? undefined : words }));
  const sites = useQuery(overviewQuery).data?.sites ?? [];
  const { zone } = useZone();
  useTopic('devices');
  const set = (part: Partial<FleetSearch>) =>
    void navigate({
      to: '.',
      search: (old: FleetSearch): FleetSearch => ({ ...old, ...part }),
      replace: true,
    });
  useEffect(() => {
    if (words === (search.q ?? '')) return undefined;
    const timer = setTimeout(
      () =>
        void navigate({
          to: '.',
          search: (old: FleetSearch): FleetSearch => ({ ...old, q: words || undefined }),
          replace: true,
        }),
      250,
    );
    return () => clearTimeout(timer);
  }, [words, search.q, navigate]);
  const chips = [
    ...(site === undefined ? [] : [{ name: 'site', value: site, part: { site: undefined } }]),
    ...(kind === undefined ? [] : [{ name: 'kind', value: kind, part: { kind: undefined } }]),
    ...(online === undefined ? [] : [{ name: 'online', value: online, part: { online: undefined } }]),
  ];
  const clear = () => {
    setTyped('');
    set({ site: undefined, kind: undefined, online: undefined, q: undefined });
  };
  const total = query.data?.total ?? query.data?.items.length;
  return (
    <main className="fd">
      <Section
        title={t('devices.title')}
        note={
          query.data === undefined
            ? ''
            : t('devices.note', { n: formatNumber(query.data.items.length), of: formatNumber(total ?? 0) })
        }
      />
      <div className="fd-bar">
        <label className="field field-soft fd-field">
          <IconFilter2 aria-hidden />
          <input
            data-filter
            aria-label={t('devices.filter')}
            placeholder={t('devices.filter')}
            value={typed}
            onChange={(e) => setTyped(e.target.value)}
            onKeyDown={(e) => {
              if (e.key === 'Escape') setTyped('');
            }}
          />
          <Kbd>/</Kbd>
        </label>
        <Segmented<Online>
          label={t('devices.online')}
          value={online ?? 'all'}
          options={[
            { value: 'all', label: t('devices.all') },
            { value: 'true', label: t('device.online') },
            { value: 'false', label: t('devices.offline') },
          ]}
          onChange={(v) => set({ online: v === 'all' ? undefined : v })}
        />
        {sites.length > 1 && (
          <Segmented
            label={t('sites.site')}
            value={site ?? ''}
            options={[
              { value: '', label: t('devices.allsites') },
              ...sites.map((s) => ({ value: s.name, label: s.name })),
            ]}
            onChange={(v) => set({ site: v || undefined })}
          />
        )}
        <Segmented
          label={t('devices.kind')}
          value={kind ?? ''}
          options={[
            { value: '', label: t('devices.allkinds') },
            { value: 'gateway', label: t('devices.gateways') },
            { value: 'direct', label: t('devices.own') },
            { value: 'hosted', label: t('devices.hosted') },
          ]}
          onChange={(v) => set({ kind: v || undefined })}
        />
      </div>
      <Async query={query} what={t('devices.what')} rows={16}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty
              title={chips.length === 0 && words === '' ? t('devices.none') : t('devices.nomatch')}
              text={chips.length === 0 && words === '' ? t('devices.none.text') : undefined}
            >
              {chips.map((c) => (
                <FilterChip
                  key={c.name}
                  name={c.name}
                  value={c.value}
                  drop={t('filter.drop', { name: c.name })}
                  onDrop={() => set(c.part)}
                />
              ))}
              {words !== '' && (
                <FilterChip
                  name="text"
                  value={words}
                  drop={t('filter.drop', { name: 'text' })}
                  onDrop={() => setTyped('')}
                />
              )}
              {(chips.length > 0 || words !== '') && (
                <Button small onClick={clear}>
                  {t('filter.clear')}
                </Button>
              )}
            </Empty>
          ) : (
            <Rows items={items} zone={zone} />
          )
        }
      </Async>
    </main>
  );
}

function Rows({ items, zone }: { items: Device[]; zone: string }) {
  const host = useRef<HTMLDivElement>(null);
  const now = useClock((s) => s.now);
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => host.current,
    estimateSize: () => 28,
    overscan: 12,
  });
  const shown = virtual.getVirtualItems();
  const before = shown[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (shown.at(-1)?.end ?? 0);
  return (
    <div className="fd-rows" ref={host} tabIndex={0} aria-label={t('devices.title')} role="region">
      <table className="table sticky" aria-rowcount={items.length + 1}>
        <thead>
          <tr>
            <th>{t('devices.id')}</th>
            <th>{t('devices.state')}</th>
            <th className="num">{t('devices.seen')}</th>
            <th>{t('devices.type')}</th>
            <th>{t('devices.kind')}</th>
            <th>{t('devices.gateway')}</th>
            <th>{t('devices.where')}</th>
            <th>{t('worst.asset')}</th>
            <th className="num">{t('devices.buffered')}</th>
            <th>{t('asset.firmware')}</th>
          </tr>
        </thead>
        <tbody>
          {before > 0 && (
            <tr style={{ height: before }} aria-hidden>
              <td colSpan={10} />
            </tr>
          )}
          {shown.map((v) => {
            const d = items[v.index];
            return d === undefined ? null : (
              <DeviceRow key={d.device_id} device={d} index={v.index} now={now} zone={zone} />
            );
          })}
          {after > 0 && (
            <tr style={{ height: after }} aria-hidden>
              <td colSpan={10} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function DeviceRow({
  device: d,
  index,
  now,
  zone,
}: {
  device: Device;
  index: number;
  now: number;
  zone: string;
}) {
  const seen = d.last_seen === null ? null : Date.parse(d.last_seen);
  return (
    <tr aria-rowindex={index + 2}>
      <td className="mono strong">{d.device_id}</td>
      <td>
        <span className={cx('fd-state', !d.online && 'fd-off')}>
          {d.online ? t('device.online') : t('devices.offline')}
        </span>
      </td>
      <td
        className={cx('num', d.online ? 'muted' : 'strong')}
        title={seen === null ? undefined : formatStamp(seen, zone)}
      >
        {seen === null ? t('device.never') : formatAge(now - seen)}
      </td>
      <td>{d.device_type}</td>
      <td className="muted">{d.kind}</td>
      <td className="mono muted">{d.gateway === undefined || d.gateway === '' ? '–' : d.gateway}</td>
      <td className="muted">{[d.site, d.area, d.line].filter((x) => x !== '' && x !== '_').join(' / ')}</td>
      <td>
        {d.asset_path === undefined || d.asset_path === '' ? (
          <span className="muted">–</span>
        ) : (
          <Link {...assetLink(d.asset_path)} className="link mono">
            {d.asset_path.split('/').at(-1)}
          </Link>
        )}
      </td>
      <td className={cx('num', d.unsent != null && d.unsent > 0 ? 'strong' : 'muted')}>
        {d.unsent == null ? '–' : formatNumber(d.unsent)}
      </td>
      <td className="mono muted">{d.firmware === undefined || d.firmware === '' ? '–' : d.firmware}</td>
    </tr>
  );
}
