import { Outlet, useLocation, useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Banner } from './Banner';
import { Conductor } from './Conductor';
import { Rail } from './Rail';
import { TopBar } from './TopBar';
import { useKeys } from './keys';
import { useTopic } from './live';
import { useZone } from './url';
import './frame.css';

const Palette = lazy(() => import('./Palette').then((m) => ({ default: m.Palette })));
const KeysHelp = lazy(() => import('./KeysHelp').then((m) => ({ default: m.KeysHelp })));

/** What stands around every page: bar, rail, conductor. */
export function Frame() {
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const params: { _splat?: string } = useParams({ strict: false });
  const path = params._splat?.split('/').filter((s) => s !== '');
  const { choice, zone, set } = useZone(path ?? []);
  const navigate = useNavigate();
  const { pathname } = useLocation();
  useTopic('fleet');
  useEffect(() => {
    setPalette(false);
    setHelp(false);
  }, [pathname]);
  useKeys({
    palette: () => setPalette(true),
    help: () => setHelp(true),
    zone: () => set(choice === 'utc' ? 'site' : choice === 'site' ? 'me' : 'utc'),
    overview: () => void navigate({ to: '/' }),
    assets: () => void navigate({ to: '/a/$', params: { _splat: '' } }),
    fleet: () => void navigate({ to: '/fleet/devices' }),
    system: () => void navigate({ to: '/sys/flow' }),
  });
  return (
    <div className="fr">
      <TopBar
        path={path}
        zone={zone}
        choice={choice}
        onZone={set}
        onPalette={() => setPalette(true)}
        onHelp={() => setHelp(true)}
      />
      <Rail />
      <div className="fr-page">
        <Banner />
        <Outlet />
      </div>
      <Conductor zone={zone} />
      <Suspense>
        {palette && <Palette onClose={() => setPalette(false)} />}
        {help && <KeysHelp onClose={() => setHelp(false)} />}
      </Suspense>
    </div>
  );
}
