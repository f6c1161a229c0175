/** `fetch` as the contract's client wants it, over Grafana's own: sessions, sub-paths and organisations are Grafana's matter. */
import { getBackendSrv, config, isFetchError, type FetchResponse } from '@grafana/runtime';
import { lastValueFrom } from 'rxjs';
import { PLUGIN_ID } from '../plugin-id';
import { hearTime, TIME_HEADER } from './server-clock';

/** Where `/admin/v1` begins: Grafana's plugin proxy. */
export const PROXY = `/api/plugin-proxy/${PLUGIN_ID}`;

/** For what the browser itself opens: event streams and downloads. */
export const proxyUrl = (path: string): string => `${config.appSubUrl}${PROXY}${path}`;

export const proxyFetch: typeof fetch = async (url, init = {}) => {
  const request = {
    url: String(url),
    method: init.method,
    headers: init.headers as Record<string, string>,
    data: init.body,
    responseType: 'text' as const,
    showErrorAlert: false,
    showSuccessAlert: false,
    hideFromInspector: true,
    ...(init.signal ? { abortSignal: init.signal } : {}),
  };
  const asked = Date.now();
  try {
    return heard(asked, await lastValueFrom(getBackendSrv().fetch<string>(request)));
  } catch (error) {
    // Status 0 or less: nothing answered, or the request was cancelled.
    if (isFetchError(error) && error.status > 0) {
      return heard(asked, error);
    }
    throw isFetchError(error) ? new TypeError(error.statusText ?? 'no answer') : error;
  }
};

type Given = { status: number; data: unknown } & Partial<Pick<FetchResponse, 'headers'>>;

/** Only the control plane's own answers tell a time; what Grafana says in its place does not. */
function heard(asked: number, given: Given) {
  hearTime(given.headers?.get(TIME_HEADER) ?? null, asked, Date.now());
  return answer(given);
}

/** Grafana wraps the text of a failure as `{message, error, response}`. */
function answer({ status, data, headers }: Given) {
  const raw = typeof data === 'object' && data !== null && 'response' in data ? data.response : data;
  const body = typeof raw === 'string' ? raw : JSON.stringify(raw ?? '');
  const bodyless = status === 204 || status === 304;
  return new Response(bodyless ? null : body, { status, ...(headers ? { headers } : {}) });
}
