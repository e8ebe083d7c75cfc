import { Link, useLocation } from '@tanstack/react-router';
import { IconAdjustmentsHorizontal, IconCpu, IconLayoutDashboard, IconListTree } from '@tabler/icons-react';
import { t } from './words';

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
        <IconListTree stroke={1.5} aria-hidden />
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
