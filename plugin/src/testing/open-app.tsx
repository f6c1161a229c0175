/** Opens the app at an address, as somebody, before the real service: what a browser does, without one. */
import React, { useLayoutEffect, type MouseEvent, type ReactNode } from 'react';
import { EventBusSrv } from '@grafana/data';
import {
  setAppEvents,
  setBackendSrv,
  type BackendSrv,
  type BackendSrvRequest,
  type PluginPageProps,
} from '@grafana/runtime';
import { PortalContainer } from '@grafana/ui';
import type { QueryClient } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { MemoryRouter, Route, Routes, useLocation, useNavigate } from 'react-router';
import { from } from 'rxjs';
import { App } from '../shell/App';
import { createQueryClient } from '../api/control';
import { PROXY } from '../api/transport';
import { PLUGIN_ID } from '../plugin-id';
import { service, type Role } from './service';

/** Grafana's frame of a page; everything inside is ours and real. */
function FrameOfGrafana({ pageNav, actions, subTitle, children }: PluginPageProps) {
  return (
    <main>
      <h1>{pageNav?.text}</h1>
      <nav>
        {pageNav?.children?.map(({ text, url, active }) => (
          <a key={text} href={url} aria-current={active ? 'page' : undefined}>
            {text}
          </a>
        ))}
      </nav>
      <div>{subTitle}</div>
      <div>{actions}</div>
      {children}
    </main>
  );
}

jest.mock('@grafana/runtime', () => ({
  ...jest.requireActual<object>('@grafana/runtime'),
  PluginPage: (props: PluginPageProps) => <FrameOfGrafana {...props} />,
  usePluginLinks: () => ({ links: [], isLoading: false }),
}));

/** Grafana's own answer to what is asked of Grafana and not of the service. */
export type Grafana = (request: BackendSrvRequest) => { status: number; data: unknown };

const noGrafana: Grafana = ({ url }) => ({ status: 404, data: { message: `Grafana has no ${url}` } });

/** Grafana's proxy: another address, and who is asking; a failure arrives as Grafana makes it. */
export function backendSrvAs(role: Role, url = service().url, grafana = noGrafana): BackendSrv {
  const viaProxy = async (request: BackendSrvRequest) => {
    const response = await fetch(request.url.replace(PROXY, url), {
      method: request.method ?? 'GET',
      headers: { ...request.headers, authorization: `Bearer ${service().tokens[role]}` },
      body: request.data as string,
      signal: request.abortSignal ?? null,
    }).catch((error: Error) => {
      throw { status: 502, statusText: error.message, data: { message: '', error: '', response: '' }, config: request };
    });
    const data = await response.text();
    const failed = { message: data, error: '', response: data };
    return { status: response.status, data: response.ok ? data : failed, headers: response.headers };
  };
  const send = async (request: BackendSrvRequest) => {
    const answer = request.url.startsWith(PROXY) ? await viaProxy(request) : grafana(request);
    if (answer.status >= 400) {
      throw { ...answer, statusText: '', config: request };
    }
    return { ...answer, config: request };
  };
  return { fetch: (request: BackendSrvRequest) => from(send(request)) } as unknown as BackendSrv;
}

interface BrowserProps {
  onAddress: (address: string) => void;
  children: ReactNode;
}

/** Tells the address; links lead on without a reload, as Grafana makes them. */
function Browser({ onAddress, children }: BrowserProps) {
  const { pathname, search } = useLocation();
  const navigate = useNavigate();
  useLayoutEffect(() => {
    onAddress(pathname + search);
  });
  const follow = (event: MouseEvent) => {
    const href = (event.target as Element).closest('a')?.getAttribute('href');
    if (href?.startsWith('/a/') && !event.defaultPrevented) {
      event.preventDefault();
      navigate(href);
    }
  };
  return <div onClick={follow}>{children}</div>;
}

export interface OpenedApp {
  readonly user: ReturnType<typeof userEvent.setup>;
  /** Path and query the app is at now. */
  address(): string;
  /** All that the app remembers of the service. */
  readonly queries: QueryClient;
}

/** `url`: where the service is; the running one unless told. */
export function openApp(path: string, role: Role = 'operator', url = service().url): OpenedApp {
  let address = '';
  const queries = createQueryClient();
  setBackendSrv(backendSrvAs(role, url));
  setAppEvents(new EventBusSrv());
  sessionStorage.clear();
  const at = path.startsWith('/a/') ? path : `/a/${PLUGIN_ID}${path}`;
  render(
    <MemoryRouter initialEntries={[at]} future={{ v7_startTransition: true, v7_relativeSplatPath: true }}>
      <Browser onAddress={(now) => (address = now)}>
        <Routes>
          <Route path={`/a/${PLUGIN_ID}/*`} element={<App remembers={queries} />} />
        </Routes>
      </Browser>
      <PortalContainer />
    </MemoryRouter>
  );
  return { user: userEvent.setup({ pointerEventsCheck: 0 }), address: () => address, queries };
}
