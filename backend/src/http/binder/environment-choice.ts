/** Which environment a request is about: the one it names, and never one that it does not. */
import { EnvironmentId, environmentOf, Problem, type Operation } from '@cloudlysis/contract';
import { askedScope, type AskedScope, type Permissions } from '../../identity/index.ts';
import type { Principal } from '../../call/principal.ts';
import type { ParsedParts } from '../request/request-parts.ts';

/** Ids of the environments that are configured, in their order. */
export type EnvironmentChoice = readonly string[];

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/**
 * The environment in which the permission is asked for, before anything was validated; null where no one is named, or
 * none is meant. The only one that there is need not be named.
 */
export function environmentNamed(
  operation: Operation,
  raw: { readonly query: string; readonly body: unknown },
  choice: EnvironmentChoice,
): string | null {
  const only = choice.length === 1 ? choice[0]! : null;
  if (environmentOf(operation) === null) return only;
  const named =
    operation.method === 'GET'
      ? new URLSearchParams(raw.query).get('environment')
      : isRecord(raw.body)
        ? raw.body['environment']
        : undefined;
  if (named === null || named === undefined) return only;
  return EnvironmentId.safeParse(named).success ? (named as string) : null;
}

/**
 * Where the permission is asked for. Of what is not said there is no place to ask in: who may anywhere is told to say it,
 * or is shown the list of where they may.
 */
export function placeAsked(
  operation: Operation,
  principal: Principal,
  about: { readonly environment: string | null; readonly tenantId: string | null },
  { permissions, environments }: { readonly permissions: Permissions; readonly environments: EnvironmentChoice },
): AskedScope {
  const rule = environmentOf(operation);
  if (rule === null || about.environment !== null) return askedScope(operation, about);
  if (operation.scope !== 'environment') return 'any';
  const where = environments.find(
    (environment) => permissions.can(principal, operation.permission, { environment }).allowed,
  );
  return where === undefined ? 'platform' : { environment: where };
}

/**
 * Null for what is global, and for a list over all. Where one environment is configured it need not be named; where
 * there are several nothing is inferred, from data or from rights.
 * @throws Problem `environment.unknown`, `environment.required` with the choices
 */
export function environmentIn(operation: Operation, parts: ParsedParts, choice: EnvironmentChoice): string | null {
  const rule = environmentOf(operation);
  if (rule === null) return null;
  const { environment: asked } = (operation.method === 'GET' ? parts.query : parts.body) as { environment?: string };
  if (asked !== undefined) {
    if (choice.includes(asked)) return asked;
    throw new Problem('environment.unknown', `there is no environment ${asked}`);
  }
  if (choice.length === 1) return choice[0]!;
  if (rule === 'any') return null;
  throw new Problem('environment.required', `Say which environment is meant: ${choice.join(', ')}`, {
    environments: [...choice],
  });
}

/** What a change is about is part of what is asked for: with it plans are hashed, keys held against each other, and jobs kept. */
export function withEnvironment(operation: Operation, parts: ParsedParts, environment: string | null): ParsedParts {
  if (operation.mutation === undefined || environment === null) return parts;
  return { ...parts, body: { ...(parts.body as object), environment } };
}
