/** Deny by default: is the permission held where the operation asks for it, and is the second factor recent enough. */
import { Problem, TenantId, type Operation } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';
import type { AskedScope, Permissions } from '../../identity/index.ts';
import type { Principal } from '../../call/principal.ts';

/** The tenant a request is about, before anything was validated: from the path, else from the body; null if neither says. */
export function tenantNamed(params: Readonly<Record<string, string>>, body: unknown): string | null {
  const named = params['tenant_id'] ?? (isRecord(body) ? body['tenant_id'] : undefined);
  return typeof named === 'string' && TenantId.safeParse(named).success ? named : null;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** @throws Problem `permission.missing` or `step_up.required` */
export function authorise(
  operation: Operation,
  principal: Principal,
  scope: AskedScope,
  { permissions, ambient }: { readonly permissions: Permissions; readonly ambient: Ambient },
): void {
  const verdict = permissions.can(principal, operation.permission, scope);
  if (!verdict.allowed)
    throw new Problem('permission.missing', verdict.reason ?? undefined, { permission: operation.permission });
  if (operation.stepUp === undefined) return;
  const age = principal.steppedUpAt && (ambient.now().getTime() - principal.steppedUpAt.getTime()) / 1000;
  if (age === null || age > operation.stepUp)
    throw new Problem(
      'step_up.required',
      `Show a second factor: the last one must be at most ${operation.stepUp} s old`,
      {
        max_age_s: operation.stepUp,
      },
    );
}
