import type { QueryClient } from '@tanstack/react-query';
import {
  createBrowserHistory,
  createHashHistory,
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { session } from '../api/session';
import { LoginPage } from '../pages/login/LoginPage';
import { OverviewPage } from '../pages/overview/OverviewPage';
import { Frame } from './Frame';
import { CrashPage, NotFoundPage } from './FallbackPages';
import { assetSearch, fleetSearch, sharedSearch } from './url';

const root = createRootRouteWithContext<{ client: QueryClient }>()({ notFoundComponent: NotFoundPage });

const framed = createRoute({
  getParentRoute: () => root,
  id: 'framed',
  validateSearch: sharedSearch,
  beforeLoad: ({ location }) => {
    if (session() === null) {
      const next = location.href === '/' ? {} : { next: location.href };
      throw redirect({ to: '/login', search: next, replace: true });
    }
  },
  component: Frame,
});

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (raw: Record<string, unknown>): { next?: string } => {
    const { next } = raw;
    // Only a path of our own: a link must not lead away after signing in.
    return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? { next } : {};
  },
  component: LoginPage,
});

const overview = createRoute({ getParentRoute: () => framed, path: '/', component: OverviewPage });

const assets = createRoute({
  getParentRoute: () => framed,
  path: '/a/$',
  validateSearch: assetSearch,
  component: lazyRouteComponent(() => import('../pages/assets/AssetsPage'), 'AssetsPage'),
});

const fleet = createRoute({
  getParentRoute: () => framed,
  path: '/fleet/devices',
  validateSearch: fleetSearch,
  component: lazyRouteComponent(() => import('../pages/fleet/DevicesPage'), 'DevicesPage'),
});

const flow = createRoute({
  getParentRoute: () => framed,
  path: '/sys/flow',
  component: lazyRouteComponent(() => import('../pages/system/FlowPage'), 'FlowPage'),
});

const components = createRoute({
  getParentRoute: () => root,
  path: '/components',
  component: lazyRouteComponent(() => import('../pages/components/ComponentsPage'), 'ComponentsPage'),
});

/** The router; inside the desktop shell the address lives behind the hash. */
export function makeRouter(client: QueryClient, desktop: boolean) {
  return createRouter({
    routeTree: root.addChildren([login, components, framed.addChildren([overview, assets, fleet, flow])]),
    history: desktop ? createHashHistory() : createBrowserHistory(),
    context: { client },
    defaultPreload: 'intent',
    defaultErrorComponent: CrashPage,
    defaultNotFoundComponent: NotFoundPage,
    scrollRestoration: false,
    // Plain text in the address: ?from=now-8h, not JSON.
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (search) => {
      const p = new URLSearchParams();
      for (const [k, v] of Object.entries(search)) if (v !== undefined && v !== '') p.set(k, String(v));
      const text = p.toString().replace(/%2C/g, ',').replace(/%3A/g, ':').replace(/%2F/g, '/');
      return text === '' ? '' : `?${text}`;
    },
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
