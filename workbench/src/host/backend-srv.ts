// Grafana's HTTP client as the BackendSrv interface of @grafana/runtime describes it, over fetch().
import { AppEvents, type EventBus } from '@grafana/data';
import type { BackendSrv, BackendSrvRequest, FetchError, FetchResponse } from '@grafana/runtime';
import { defer, from, lastValueFrom, Observable, Subject } from 'rxjs';
import { catchError, concatMap, filter, tap } from 'rxjs/operators';

type Options = Partial<BackendSrvRequest>;

export class WorkbenchBackendSrv implements BackendSrv {
  readonly #events: EventBus;
  readonly #replaced = new Subject<string>();

  constructor(events: EventBus) {
    this.#events = events;
  }

  fetch<T>(options: BackendSrvRequest): Observable<FetchResponse<T>> {
    const { requestId } = options;
    const answer = defer(() => this.#attempt<T>(options)).pipe(
      catchError((error: FetchError) => this.#afterFailure<T>(options, error)),
      tap({ next: (response) => this.#announce(options, response), error: (error) => this.#alarm(options, error) }),
    );
    return requestId ? this.#replaceable(answer, options, requestId) : answer;
  }

  chunked(options: BackendSrvRequest): Observable<FetchResponse<Uint8Array | undefined>> {
    return send(options, async (response, emit) => {
      const reader = response.body?.getReader();
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) emit(part.value);
    });
  }

  async request<T>(options: BackendSrvRequest): Promise<T> {
    return (await lastValueFrom(this.fetch<T>(options))).data;
  }

  datasourceRequest<T>(options: BackendSrvRequest): Promise<FetchResponse<T>> {
    return lastValueFrom(this.fetch<T>({ showErrorAlert: false, ...options }));
  }

  get<T>(url: string, params?: BackendSrvRequest['params'], requestId?: string, options?: Options): Promise<T> {
    return this.request<T>({ ...options, method: 'GET', url, params, requestId });
  }

  delete<T>(url: string, data?: unknown, options?: Options): Promise<T> {
    return this.request<T>({ ...options, method: 'DELETE', url, data });
  }

  post<T>(url: string, data?: unknown, options?: Options): Promise<T> {
    return this.request<T>({ ...options, method: 'POST', url, data });
  }

  put<T>(url: string, data?: unknown, options?: Options): Promise<T> {
    return this.request<T>({ ...options, method: 'PUT', url, data });
  }

  patch<T>(url: string, data?: unknown, options?: Options): Promise<T> {
    return this.request<T>({ ...options, method: 'PATCH', url, data });
  }

  /** A later request under the same id takes this one's place, which ends as cancelled. */
  #replaceable<T>(answer: Observable<T>, config: BackendSrvRequest, id: string): Observable<T> {
    return new Observable((observer) => {
      this.#replaced.next(id);
      const running = answer.subscribe(observer);
      running.add(
        this.#replaced.pipe(filter((other) => other === id)).subscribe(() => {
          observer.error({ status: -1, statusText: 'Request was aborted', data: null, cancelled: true, config });
        }),
      );
      return running;
    });
  }

  #attempt<T>(options: BackendSrvRequest): Observable<FetchResponse<T>> {
    return send<T>(options, async (response, emit) => emit((await parseBody(response, options.responseType)) as T));
  }

  /** A 401 is either the session, which then ends here, or the backend's own, which is asked once more. */
  #afterFailure<T>(options: BackendSrvRequest, error: FetchError): Observable<FetchResponse<T>> {
    if (error.status !== 401 || !isLocal(options.url)) throw error;
    return from(fetch('/api/login/ping')).pipe(
      tap((ping) => {
        if (ping.status !== 401) return;
        const { pathname, search } = window.location;
        window.location.href = `/login?${new URLSearchParams({ redirectTo: pathname + search })}`;
        throw { ...error, isHandled: true };
      }),
      concatMap(() => this.#attempt<T>(options)),
    );
  }

  #announce({ method = 'GET', showSuccessAlert }: BackendSrvRequest, { data }: FetchResponse<unknown>): void {
    const message = (data as { message?: string } | undefined)?.message;
    if (method === 'GET' || showSuccessAlert === false || typeof message !== 'string') return;
    this.#events.publish({ type: AppEvents.alertSuccess.name, payload: [message] });
  }

  /** Waits a moment, so that a caller who handles the error can say so by `isHandled`. */
  #alarm({ url, showErrorAlert = isLocal(url) }: BackendSrvRequest, error: FetchError): void {
    if (!showErrorAlert || error.cancelled) return;
    setTimeout(() => {
      if (error.isHandled) return;
      const type = (error.status < 500 ? AppEvents.alertWarning : AppEvents.alertError).name;
      const { message = error.statusText || 'Request failed', error: detail } = error.data ?? {};
      this.#events.publish({ type, payload: [message, typeof detail === 'string' ? detail : ''] });
    }, 50);
  }
}

type Read<T> = (response: Response, emit: (data: T) => void) => Promise<void>;

function send<T>(config: BackendSrvRequest, read: Read<T>): Observable<FetchResponse<T>> {
  return new Observable<FetchResponse<T>>((observer) => {
    const abort = new AbortController();
    const signal = config.abortSignal ? AbortSignal.any([config.abortSignal, abort.signal]) : abort.signal;
    let settled = false;
    const run = async () => {
      const response = await fetch(urlOf(config), { ...initOf(config), signal });
      if (!response.ok) throw await failureOf(response, config);
      const { ok, status, statusText, headers, redirected, type, url } = response;
      await read(response, (data) => {
        observer.next({ data, ok, status, statusText, headers, redirected, type, url, config });
      });
    };
    run().then(
      () => {
        settled = true;
        observer.complete();
      },
      (error: unknown) => {
        settled = true;
        observer.error(isFailure(error) ? error : unreachable(error, config, signal.aborted));
      },
    );
    // Aborting after the end would kill a body that its receiver still reads.
    return () => {
      if (!settled) abort.abort();
    };
  });
}

function urlOf({ url, params }: BackendSrvRequest): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params ?? {})) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined && item !== null) query.append(name, String(item));
    }
  }
  const relative = /^(https?:)?\//.test(url) ? url : `/${url}`;
  return query.size ? `${relative}${relative.includes('?') ? '&' : '?'}${query}` : relative;
}

function initOf({ method = 'GET', headers = {}, data, credentials }: BackendSrvRequest): RequestInit {
  const plain = data !== undefined && data !== null && !isBinary(data);
  const named = new Headers({ accept: 'application/json, text/plain, */*' });
  if (plain && typeof data !== 'string') named.set('content-type', 'application/json');
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) named.set(name, String(value));
  const body = plain && typeof data !== 'string' ? JSON.stringify(data) : data;
  return { method, headers: named, credentials: credentials ?? 'same-origin', ...(body !== undefined && { body }) };
}

const isBinary = (data: unknown) =>
  data instanceof Blob || data instanceof FormData || data instanceof ArrayBuffer || data instanceof URLSearchParams;

async function parseBody(response: Response, type: BackendSrvRequest['responseType']): Promise<unknown> {
  if (type === 'blob') return response.blob();
  if (type === 'arraybuffer') return response.arrayBuffer();
  const text = await response.text();
  if (type === 'text') return text;
  try {
    return JSON.parse(text);
  } catch {
    // Without a type asked for, JSON is only what is tried first.
    return type === 'json' ? undefined : text;
  }
}

async function failureOf(response: Response, config: BackendSrvRequest): Promise<FetchError> {
  const parsed = await parseBody(response, undefined);
  const { status, statusText } = response;
  const data = parsed && typeof parsed === 'object' ? parsed : { message: parsed || statusText, response: parsed };
  return { status, statusText, data: { error: statusText, ...data }, config };
}

const isFailure = (error: unknown): error is FetchError =>
  typeof error === 'object' && error !== null && 'status' in error && 'config' in error;

function unreachable(error: unknown, config: BackendSrvRequest, cancelled: boolean): FetchError {
  const message = error instanceof Error ? error.message : String(error);
  const data = { message: cancelled ? 'Request was aborted' : message };
  return { status: 0, statusText: cancelled ? 'Request was aborted' : '', data, message, cancelled, config };
}

const isLocal = (url: string) => !/^https?:\/\//.test(url);
