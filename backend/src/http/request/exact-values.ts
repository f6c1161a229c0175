/** Holds every string and key of a request against the one rule for text, and what was parsed against what was sent. */
import { textFault } from '@cloudlysis/contract';

export interface Issue {
  /** `body.metadata.name`, `query.limit`, `params.tenant_id`. */
  readonly path: string;
  readonly message: string;
}

/** At most so many are told. */
const MAX_FAULTS = 20;

/** A path is shown, so it must itself be text. */
export const pathOf = (steps: readonly PropertyKey[]): string =>
  steps
    .map((step) => String(step).slice(0, 64).toWellFormed())
    .map((step) => (textFault(step) === null ? step : JSON.stringify(step)))
    .join('.');

/** Strings and keys, however deep, that are not let in; whatever the schema says of them. */
export function faultsOfText(part: string, value: unknown): Issue[] {
  const issues: Issue[] = [];
  const look = (text: string, path: readonly PropertyKey[]): void => {
    const fault = textFault(text);
    if (fault !== null) issues.push({ path: pathOf(path), message: fault });
  };
  const walk = (at: unknown, path: readonly PropertyKey[]): void => {
    if (issues.length >= MAX_FAULTS) return;
    if (typeof at === 'string') return look(at, path);
    if (typeof at !== 'object' || at === null) return;
    for (const key of Object.keys(at)) {
      if (!Array.isArray(at)) look(key, [...path, key]);
      walk((at as Record<string, unknown>)[key], [...path, key]);
    }
  };
  walk(value, [part]);
  return issues;
}

/** The first place where parsing changed what was sent; null where it only added defaults. */
export function alteredAt(part: string, sent: unknown, parsed: unknown): Issue | null {
  const path = differs(sent, parsed, [part]);
  return path && { path: pathOf(path), message: 'Would not be kept exactly as it was sent' };
}

function differs(sent: unknown, parsed: unknown, path: readonly PropertyKey[]): readonly PropertyKey[] | null {
  if (Object.is(sent, parsed)) return null;
  if (typeof sent !== 'object' || sent === null || typeof parsed !== 'object' || parsed === null) return path;
  for (const key of Object.keys(sent)) {
    if (!Object.hasOwn(parsed, key)) return [...path, key];
    const found = differs((sent as Record<string, unknown>)[key], (parsed as Record<string, unknown>)[key], [
      ...path,
      key,
    ]);
    if (found) return found;
  }
  return null;
}
