/** Which change is open (in the address, so a reload brings it back) and which ones this tab has asked for and follows. */
import type { MutationId } from '@cloudlysis/contract';
import React, { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react';
import { useSearch } from '../address/search-params';
import type { ChangeInput } from './change-input';
import { shownInput } from './secret-fields';

export interface OpenChange {
  readonly id: string;
  readonly input: ChangeInput;
  /** One per intent, made when the drawer opens: every try of the same change carries it as its Idempotency-Key. */
  readonly intent: string;
  /** The job it has become; null before. */
  readonly jobId: string | null;
}

export interface FollowedChange {
  readonly jobId: string;
  readonly title: string;
}

interface Followed {
  readonly all: readonly FollowedChange[];
  follow(change: FollowedChange): void;
  forget(jobId: string): void;
}

const FollowedContext = createContext<Followed | null>(null);
const STORED = 'cloudlysis-control-app.followed';
/** More than anybody looks at; the rest is under Jobs. */
const MOST = 5;

function stored(): FollowedChange[] {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? '[]') as FollowedChange[];
  } catch {
    return [];
  }
}

export function FollowedChanges({ children }: { children: ReactNode }) {
  const [all, setAll] = useState<readonly FollowedChange[]>(stored);
  const update = useCallback((change: (now: readonly FollowedChange[]) => readonly FollowedChange[]) => {
    setAll((now) => {
      const next = change(now).slice(-MOST);
      sessionStorage.setItem(STORED, JSON.stringify(next));
      return next;
    });
  }, []);
  const value = useMemo<Followed>(
    () => ({
      all,
      follow: (change) => update((now) => [...now.filter(({ jobId }) => jobId !== change.jobId), change]),
      forget: (jobId) => update((now) => now.filter((change) => change.jobId !== jobId)),
    }),
    [all, update]
  );
  return <FollowedContext.Provider value={value}>{children}</FollowedContext.Provider>;
}

export function useFollowedChanges(): Followed {
  const followed = useContext(FollowedContext);
  if (followed === null) {
    throw new Error('useFollowedChanges needs <FollowedChanges>');
  }
  return followed;
}

const CLOSED = { change: null, input: null, intent: null, job: null };

/** The open change and how to open, submit and close one. */
export function useChange() {
  const [params, setSearch] = useSearch();
  const open = useCallback(
    (id: MutationId, input: ChangeInput = {}) =>
      setSearch(
        { ...CLOSED, change: id, input: JSON.stringify(shownInput(id, input)), intent: crypto.randomUUID() },
        'push'
      ),
    [setSearch]
  );
  const submitted = useCallback((jobId: string) => setSearch({ job: jobId }), [setSearch]);
  const close = useCallback(() => setSearch(CLOSED), [setSearch]);
  const current = useMemo(() => fromAddress(params), [params]);
  return { current, open, submitted, close };
}

/** Pure; null for an address that names none or was tampered with. */
export function fromAddress(params: URLSearchParams): OpenChange | null {
  const [id, intent] = [params.get('change'), params.get('intent')];
  if (id === null || intent === null) {
    return null;
  }
  try {
    const input: unknown = JSON.parse(params.get('input') ?? '{}');
    return typeof input === 'object' && input !== null && !Array.isArray(input)
      ? { id, input: input as ChangeInput, intent, jobId: params.get('job') }
      : null;
  } catch {
    return null;
  }
}
