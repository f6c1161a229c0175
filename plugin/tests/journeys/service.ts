/** The control plane through Grafana's proxy, for what a journey has to know that the page does not show. */
import type { APIRequestContext, APIResponse } from '@playwright/test';

const PROXY = '/api/plugin-proxy/cloudlysis-control-app/admin/v1';

export interface JobSeen {
  readonly job_id: string;
  readonly kind: string;
  readonly state: string;
  readonly reason: string | null;
}

export interface TenantSeen {
  readonly tenant_id: string;
  readonly status: { readonly state: string };
  readonly placements: ReadonlyArray<{ readonly kind: string; readonly shard_id: string; readonly revision: number }>;
}

export class Service {
  readonly #request: APIRequestContext;

  constructor(request: APIRequestContext) {
    this.#request = request;
  }

  async read<T>(path: string): Promise<T> {
    const response = await this.#request.get(PROXY + path);
    if (!response.ok()) {
      throw new Error(`${path} answers ${response.status()}: ${await response.text()}`);
    }
    return (await response.json()) as T;
  }

  post(path: string, data: object, headers: Record<string, string> = {}): Promise<APIResponse> {
    return this.#request.post(PROXY + path, { data, headers });
  }

  /** The tenant's jobs, the newest first. */
  async jobsOf(tenantId: string): Promise<readonly JobSeen[]> {
    return (await this.read<{ items: JobSeen[] }>(`/jobs?limit=200&tenant_id=${tenantId}`)).items;
  }

  tenant(tenantId: string): Promise<TenantSeen> {
    return this.read(`/tenants/${tenantId}`);
  }

  async shardOf(tenantId: string, kind = 'aggregate'): Promise<string> {
    const { placements } = await this.tenant(tenantId);
    return placements.find((placement) => placement.kind === kind)?.shard_id ?? '';
  }
}
