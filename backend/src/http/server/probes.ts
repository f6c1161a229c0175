/** What needs no token: health, readiness, metrics and the API's own description. */
import { API_PREFIX, openApi } from '@cloudlysis/contract';
import type { Context } from 'koa';
import type { Registry } from 'prom-client';
import type { Ambient } from '../../kernel/ambient.ts';
import { within } from '../../kernel/time.ts';

export interface DependencyState {
  readonly ok: boolean;
  /** The sentence why, or what was measured. */
  readonly detail: string;
}

/** State per dependency, by name. */
export type Readiness = () => Promise<Readonly<Record<string, DependencyState>>>;

interface ProbeDeps {
  readonly ambient: Ambient;
  readonly registry: Registry;
  readonly ready: Readiness;
  readonly stopping: AbortSignal;
}

/** Milliseconds readiness may take; an answer that comes later is no. */
const READY_MS = 2_000;

export interface Probe {
  readonly operation: string;
  serve(ctx: Context): Promise<void> | void;
}

/** Path → probe. */
export function probes(deps: ProbeDeps): ReadonlyMap<string, Probe> {
  const document = JSON.stringify(openApi());
  // However many ask at once, the dependencies are asked once.
  let asking: Promise<Awaited<ReturnType<Readiness>>> | null = null;
  const ask = () => (asking ??= bounded(deps).finally(() => (asking = null)));
  // Nor are the metrics collected more than once at a time: 100 scrapers cost what one does.
  let collecting: Promise<string> | null = null;
  const collect = () => (collecting ??= deps.registry.metrics().finally(() => (collecting = null)));
  return new Map<string, Probe>([
    ['/healthz', { operation: 'healthz', serve: (ctx) => json(ctx, 200, JSON.stringify({ status: 'ok' })) }],
    [
      '/readyz',
      {
        operation: 'readyz',
        serve: async (ctx) => {
          const dependencies = await ask();
          const ok = !deps.stopping.aborted && Object.values(dependencies).every((state) => state.ok);
          const status = deps.stopping.aborted ? 'stopping' : ok ? 'ready' : 'not-ready';
          json(ctx, ok ? 200 : 503, JSON.stringify({ status, dependencies }));
        },
      },
    ],
    [
      '/metrics',
      {
        operation: 'metrics',
        serve: async (ctx) => {
          ctx.type = deps.registry.contentType;
          ctx.body = await collect();
        },
      },
    ],
    [`${API_PREFIX}/openapi.json`, { operation: 'openapi', serve: (ctx) => json(ctx, 200, document) }],
  ]);
}

function json(ctx: Context, status: number, body: string): void {
  ctx.status = status;
  ctx.type = 'application/json';
  ctx.body = body;
}

async function bounded({ ready, ambient }: ProbeDeps): Promise<Awaited<ReturnType<Readiness>>> {
  const failed = () => ({ service: { ok: false, detail: 'the dependencies could not be asked' } });
  return within(ambient, READY_MS, ready().catch(failed), () => ({
    service: { ok: false, detail: `no answer from the dependencies in ${READY_MS} ms` },
  }));
}
