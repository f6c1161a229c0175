/** What the rest of the service may ask of the audit log: append, and nothing that could change what was appended. */
import type { Outcome } from '@cloudlysis/contract';
import type { ClientSession } from 'mongodb';
import type { Principal, Provenance } from '../../call/principal.ts';

export interface AuditDraft {
  /** Stable code of the event: `job.submitted`, `job.succeeded`, `request.refused`, `audit.exported`, … */
  readonly code: string;
  /** Operation id or job kind. */
  readonly action: string;
  /** A principal, or `system:<part>` / `anonymous`. */
  readonly actor: Principal | string;
  readonly resource: string;
  /** It is about; of what is global, and in a store that knows of one only, none is told. */
  readonly environment?: string | null | undefined;
  readonly tenantId?: string | null;
  readonly outcome: Outcome;
  readonly reason?: string | null;
  readonly problem?: string | null;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly jobId?: string | null;
  readonly provenance?: Provenance | null;
  /** The record stands for several of the same, which were only counted. */
  readonly repeated?: Repeated | undefined;
}

export interface Repeated {
  readonly count: number;
  readonly first: Date;
  readonly last: Date;
}

export interface AuditLog {
  /**
   * Writes one record and returns its id; with a session, in the caller's transaction.
   * @throws Problem `audit.unavailable` when it cannot be written within 2 s: the caller must then change nothing.
   */
  append(draft: AuditDraft, session?: ClientSession): Promise<string>;
  /** Tells the sequencer of this replica that a transaction with records has committed. */
  wake(): void;
}
