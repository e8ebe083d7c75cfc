import { MantineProvider } from '@mantine/core';
import '@mantine/core/styles/default-css-variables.css';
import '@mantine/core/styles/baseline.css';
import '@mantine/core/styles/global.css';
import '@mantine/core/styles/UnstyledButton.css';
import '@mantine/core/styles/ScrollArea.css';
import '@mantine/core/styles/Paper.css';
import '@mantine/core/styles/Popover.css';
import '@mantine/core/styles/Menu.css';
import '@mantine/core/styles/CloseButton.css';
import '@mantine/core/styles/Overlay.css';
import '@mantine/core/styles/ModalBase.css';
import '@mantine/core/styles/Modal.css';
import '@mantine/core/styles/Input.css';
import './style/fonts.css';
import './style/tokens.css';
import './style/base.css';
import './style/mantine.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { adopt } from './api/actions';
import { Failure, setOrigin } from './api/call';
import { onSession, session } from './api/session';
import { sessionChanged, startLive } from './shell/live';
import { desktop, type Start } from './shell/platform';
import { makeRouter } from './shell/router';
import { startClock, useTheme } from './shell/stores';
import { theme, variables } from './style/theme';

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refuses does not get better by asking again.
      retry: (n, error) =>
        n < 2 && !(error instanceof Failure && error.problem.status >= 400 && error.problem.status < 500),
      retryDelay: (n) => 500 * 2 ** n,
      refetchOnWindowFocus: false,
      gcTime: 300_000,
      networkMode: 'always', // a plant's network is none of the browser's business
    },
  },
});

function Themed({ children }: { children: ReactNode }) {
  const shown = useTheme((s) => s.shown);
  return (
    <MantineProvider theme={theme} cssVariablesResolver={variables} forceColorScheme={shown}>
      {children}
    </MantineProvider>
  );
}

/** The console of a chosen backend. */
function Console({ router }: { router: ReturnType<typeof makeRouter> }) {
  return (
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}

/** Prepares the page for a backend: routes, clock, stream, and what follows signing in and out. */
function connect(shell: boolean): ReturnType<typeof makeRouter> {
  const router = makeRouter(client, shell);
  startClock();
  startLive(client);
  let user = session()?.user;
  onSession(() => {
    const next = session()?.user;
    if (next === user) return;
    user = next;
    client.clear();
    sessionChanged();
    void router.invalidate(); // the guard of the routes sends to the login page
  });
  return router;
}

/** In the desktop window: which backend, and as whom. */
async function take(s: Start): Promise<ReturnType<typeof makeRouter>> {
  setOrigin(s.url);
  if (s.token !== '') await adopt(s.token);
  if (s.open.startsWith('/') && window.location.hash === '') window.location.hash = s.open;
  return connect(true);
}

async function start(host: HTMLElement): Promise<void> {
  const root = createRoot(host);
  const draw = (page: ReactNode) =>
    root.render(
      <StrictMode>
        <Themed>{page}</Themed>
      </StrictMode>,
    );
  const bridge = desktop();
  if (bridge === null) {
    draw(<Console router={connect(false)} />);
    return;
  }
  const first = await bridge.Start();
  if (first.state === 'ready') {
    draw(<Console router={await take(first)} />);
    return;
  }
  const { StartPage } = await import('./pages/start/StartPage');
  const onReady = (s: Start) => void take(s).then((router) => draw(<Console router={router} />));
  draw(<StartPage bridge={bridge} first={first} onReady={onReady} />);
}

const host = document.getElementById('root');
if (host !== null) void start(host);
