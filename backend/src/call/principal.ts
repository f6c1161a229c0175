/** Who is calling, once a token was accepted. */
import type { Assignment } from '@cloudlysis/contract';

export type { Visible, VisibleByEnvironment } from '../kernel/visible.ts';

/** A principal that was stored with a job or a signal. 0.1 wrote none of environments: its issuers were all global. */
export const storedPrincipal = (stored: Principal): Principal => ({
  ...stored,
  environment: stored.environment ?? null,
});

export interface Principal {
  /** The one name nobody else has (identity-name.ts): `user:<e-mail>`, `user:grafana:<login>`, `service:<subject>`; key of the assignments, too. */
  readonly id: string;
  readonly kind: 'user' | 'service';
  readonly email: string | null;
  readonly via: 'grafana' | 'gateway';
  readonly onBehalfOf: string | null;
  /** When a second factor was last shown; null if never. */
  readonly steppedUpAt: Date | null;
  /**
   * The one environment in which this credential has effect, whatever its principal holds: the environment of the
   * Gateway that signed it. Null of an issuer that is global, such as Grafana.
   */
  readonly environment: string | null;
  /** Roles the credential itself brings: a mapped Grafana org role, or a development token's role. */
  readonly granted: readonly Assignment[];
}

/** Where a request came from and how to find it again; travels into jobs and audit records. */
export interface Provenance {
  readonly requestId: string;
  readonly traceId: string | null;
  readonly ip: string | null;
  readonly agent: string | null;
}
