import { Link, useLocation } from '@tanstack/react-router';
import { IconAdjustmentsHorizontal, IconCpu, IconLayoutDashboard } from '@tabler/icons-react';
import { t } from './words';

function TreeIcon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden>
      <path d="M3 4.5h8M6 4.5v14h5M6 11.5h5M14 11.5h7M14 18.5h7" />
    </svg>
  );
}

/** The pages there are. Others come when they exist. */
export function Rail() {
  const { pathname } = useLocation();
  const current = (start: string, exact = false) =>
    (exact ? pathname === start : pathname.startsWith(start)) ? ('page' as const) : undefined;
  return (
    <nav className="rail" aria-label={t('nav')}>
      <Link to="/" activeOptions={{ exact: true }} aria-current={current('/', true)}>
        <IconLayoutDashboard stroke={1.5} aria-hidden />
        {t('nav.overview')}
      </Link>
      <Link to="/a/$" params={{ _splat: '' }} aria-current={current('/a')}>
        <TreeIcon />
        {t('nav.assets')}
      </Link>
      <Link to="/fleet/devices" aria-current={current('/fleet')}>
        <IconCpu stroke={1.5} aria-hidden />
        {t('nav.fleet')}
      </Link>
      <Link to="/sys/flow" aria-current={current('/sys')}>
        <IconAdjustmentsHorizontal stroke={1.5} aria-hidden />
        {t('nav.system')}
      </Link>
    </nav>
  );
}
