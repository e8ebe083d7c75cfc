import { Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { IconCheck, IconChevronRight, IconSearch } from '@tabler/icons-react';
import { Fragment, useSyncExternalStore } from 'react';
import { logout } from '../api/actions';
import { overviewQuery } from '../api/queries';
import { onSession, session } from '../api/session';
import { Kbd } from '../parts/Controls';
import { cx } from '../parts/cx';
import { formatDuration, formatNumber } from '../twin/format';
import { zoneLabel, type ZoneChoice } from '../twin/time';
import { desktop, type Bridge } from './platform';
import { setTheme, useClock, useLink, useTheme, type Theme } from './stores';
import { assetLink } from './url';
import { t } from './words';

interface Props {
  path: string[] | undefined;
  zone: string;
  choice: ZoneChoice;
  onZone: (z: ZoneChoice) => void;
  onPalette: () => void;
  onHelp: () => void;
}

export function TopBar({ path, zone, choice, onZone, onPalette, onHelp }: Props) {
  const now = useClock((s) => Math.floor(s.now / 60_000) * 60_000);
  const fresh = useQuery(overviewQuery).data?.signals.freshness.v;
  return (
    <header className="tb">
      <Link to="/" className="tb-brand" aria-label={t('brand')}>
        <BrandMark />
      </Link>
      <Crumbs path={path} />
      <button type="button" className="tb-search" onClick={onPalette}>
        <IconSearch aria-hidden />
        <span className="ellipsis">{t('search')}</span>
        <Kbd>Ctrl K</Kbd>
      </button>
      <div className="tb-facts">
        <span className="tb-hide" title={t('fresh.title')}>
          {t('fresh')} <b>{fresh == null ? '–' : `${formatNumber(fresh, 1)} %`}</b>
        </span>
        <StreamState />
        <Menu position="bottom-end" offset={4}>
          <Menu.Target>
            <button type="button" title={t('zone.title')}>
              {zoneLabel(now, zone)}
            </button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>{t('zone.title')}</Menu.Label>
            {(['site', 'me', 'utc'] as const).map((z) => (
              <Menu.Item
                key={z}
                onClick={() => onZone(z)}
                rightSection={z === choice ? <IconCheck size={14} /> : null}
              >
                {t(`zone.${z}`)}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
        <UserMenu onHelp={onHelp} />
      </div>
    </header>
  );
}

export function BrandMark() {
  return (
    <svg
      width="28"
      height="24"
      viewBox="0 0 28 24"
      fill="none"
      stroke="var(--ink)"
      strokeWidth="2"
      aria-hidden
    >
      <path d="M1 12h4M9 12h4M19 12h8M23 8v8" />
      <rect x="5" y="6" width="4" height="12" />
      <rect x="13" y="2" width="6" height="20" />
    </svg>
  );
}

function Crumbs({ path }: { path: string[] | undefined }) {
  const tenant = session()?.tenant ?? '';
  const page = path === undefined ? currentTitle() : null;
  const names = path ?? [];
  return (
    <nav aria-label={t('crumbs')} style={{ minWidth: 0 }}>
      <ol className="tb-crumbs">
        {path === undefined && (
          <>
            <li>{tenant}</li>
            <li>
              <IconChevronRight aria-hidden />
              <span aria-current="page">{page}</span>
            </li>
          </>
        )}
        {names.map((name, i) => (
          <Fragment key={i}>
            <li>
              {i > 0 && <IconChevronRight aria-hidden />}
              {i === names.length - 1 ? (
                <span aria-current="page" className={cx(/^[A-Z]+[-_]?\d/.test(name) && 'mono')}>
                  {name}
                </span>
              ) : (
                <Link {...assetLink(names.slice(0, i + 1).join('/'))} activeOptions={{ exact: true }}>
                  {name}
                </Link>
              )}
            </li>
          </Fragment>
        ))}
      </ol>
    </nav>
  );
}

function currentTitle(): string {
  const where = window.location.hash.startsWith('#/')
    ? window.location.hash.slice(1)
    : window.location.pathname;
  if (where.startsWith('/fleet')) return t('nav.fleet');
  if (where.startsWith('/sys')) return t('nav.system');
  return t('nav.overview');
}

function StreamState() {
  const stream = useLink((s) => s.stream);
  const offset = useLink((s) => s.clockOffset);
  const now = useClock((s) => s.now);
  if (stream.kind === 'lost') {
    const local = now - offset;
    return (
      <span className="tb-lost" role="status">
        <i className="tb-dot" />
        {t('stream.lost', {
          age: formatDuration(local - stream.since),
          wait: formatDuration(Math.max(1000, stream.retryAt - local)),
        })}
      </span>
    );
  }
  return (
    <span role="status">
      <i className="tb-dot" style={{ opacity: stream.kind === 'live' ? 1 : 0.4 }} />
      {stream.kind === 'live' ? t('stream.live') : t('stream.connecting')}
    </span>
  );
}

function initials(user: string): string {
  const name = user.split('@')[0] ?? '';
  const parts = name.split(/[._-]/).filter((p) => p !== '');
  return ((parts.length > 1 ? parts.map((p) => p[0]).join('') : name) || '?').slice(0, 2).toUpperCase();
}

/** Leaves the present backend for the page that asks which one. */
async function elsewhere(bridge: Bridge): Promise<void> {
  await bridge.Forget();
  await logout();
  window.location.hash = '';
  window.location.reload();
}

function UserMenu({ onHelp }: { onHelp: () => void }) {
  const s = useSyncExternalStore(onSession, session);
  const theme = useTheme((state) => state.choice);
  const version = useLink((l) => l.serverVersion);
  const bridge = desktop();
  const themes: readonly Theme[] = ['light', 'dark', 'system'];
  return (
    <Menu position="bottom-end" offset={4} width={220}>
      <Menu.Target>
        <button type="button" className="tb-me" aria-label={t('me.menu', { user: s?.user ?? '' })}>
          {initials(s?.user ?? '')}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {s?.user}
          <br />
          {s?.roles.join(', ')}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Label>{t('theme')}</Menu.Label>
        {themes.map((x) => (
          <Menu.Item
            key={x}
            onClick={() => setTheme(x)}
            rightSection={x === theme ? <IconCheck size={14} /> : null}
          >
            {t(`theme.${x}`)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={onHelp} rightSection={<Kbd>?</Kbd>}>
          {t('keys.title')}
        </Menu.Item>
        {bridge !== null && <Menu.Item onClick={() => void elsewhere(bridge)}>{t('start.other')}</Menu.Item>}
        <Menu.Item onClick={() => void logout()}>{t('logout')}</Menu.Item>
        {version !== '' && <Menu.Label>{t('version', { version })}</Menu.Label>}
      </Menu.Dropdown>
    </Menu>
  );
}
