// A node of the reference platform as a process of a test's stack, with its admin endpoints and its fault knobs.
import type { FaultSettings } from '../../dataplane/src/node/faults.ts';
import { Child, type ChildSpec } from './child.ts';

export interface Answer {
  readonly status: number;
  readonly body: any;
}

export interface NodeTenantState {
  readonly tenant_id: string;
  readonly state: 'serving' | 'draining' | 'drained' | 'paused';
  readonly in_flight: number;
  readonly placement_revision: number;
}

export const NO_FAULTS: FaultSettings = {
  slow_ms: 0,
  error_rate: 0,
  stuck: false,
  refuse_drain: false,
  lie_ready: null,
  hang: false,
  in_flight: 0,
  clock_ms: 0,
};

export class PlatformNode extends Child {
  readonly url: string;
  private readonly token: string;

  constructor(spec: ChildSpec, url: string, token: string) {
    super(spec);
    this.url = url;
    this.token = token;
  }

  async call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return { status: response.status, body: isJson ? JSON.parse(text) : text };
  }

  /** Sets faults; what is not named stays as it is. */
  async fault(faults: Partial<FaultSettings>): Promise<void> {
    const { status, body } = await this.call('POST', '/admin/faults', faults);
    if (status !== 200) throw new Error(`${this.spec.name} took no faults: ${JSON.stringify(body)}`);
  }

  /** What the node says of a tenant; undefined where it does not have it. */
  async tenant(tenantId: string): Promise<NodeTenantState | undefined> {
    const { body } = await this.call('GET', '/admin/state');
    return (body.tenants as NodeTenantState[]).find((one) => one.tenant_id === tenantId);
  }
}
