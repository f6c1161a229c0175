/** Counts refusals of one kind instead of writing each: the first is written at once, the others as one record with their count when a window closes. */
import type { Ambient } from '../../kernel/ambient.ts';
import type { AuditDraft } from '../../audit/record/audit-log.ts';
import type { Provenance } from '../../call/principal.ts';

/** A window follows each record and is four times as long as the one before: 10 s, 40 s, … 15 min. */
export const WINDOW_MS = 10_000;
export const LONGEST_MS = 900_000;
/** Kinds told apart: of one caller, so that nobody takes the room of others by a scan; and of all. */
export const OF_ONE = 200;
export const OF_ALL = 2_000;

interface Kind {
  readonly who: string;
  /** What all that were counted have in common. */
  draft: AuditDraft;
  count: number;
  first: Date;
  last: Date;
  windowMs: number;
  until: number;
  cancel: (() => void) | null;
}

export class RepeatedRefusals {
  readonly #ambient: Ambient;
  readonly #append: (draft: AuditDraft) => Promise<void>;
  readonly #kinds = new Map<string, Kind>();
  readonly #ofOne = new Map<string, number>();

  /** `append` never throws. After a kill that is not waited for, the counts of open windows are lost. */
  constructor(ambient: Ambient, append: (draft: AuditDraft) => Promise<void>) {
    this.#ambient = ambient;
    this.#append = append;
  }

  /** True when it was counted and a later record tells of it; false when it is for the caller to write. */
  isCounted(who: string, kind: readonly unknown[], draft: AuditDraft): boolean {
    const now = this.#ambient.monotonic();
    const key = this.#keyOf(who, JSON.stringify([who, ...kind]), now);
    const before = this.#kinds.get(key);
    if (before && now < before.until) return this.#count(before, key, draft, now);
    if (before && before.count > 0) {
      // The timer is late. They go on coming, so the next window is longer.
      void this.#tell(key);
      return this.#count(before, key, draft, now);
    }
    // Silent for as long as its window: it starts small again.
    const windowMs = before && now < before.until + before.windowMs ? longer(before.windowMs) : WINDOW_MS;
    const at = this.#ambient.now();
    if (!before) this.#ofOne.set(who, (this.#ofOne.get(who) ?? 0) + 1);
    this.#kinds.set(key, { who: before?.who ?? who, draft, count: 0, first: at, last: at, windowMs, until: now + windowMs, cancel: null }); // prettier-ignore
    return false;
  }

  /** Writes what was only counted so far. */
  async flush(): Promise<void> {
    await Promise.all([...this.#kinds.keys()].map((key) => this.#tell(key)));
  }

  #count(kind: Kind, key: string, draft: AuditDraft, now: number): true {
    const at = this.#ambient.now();
    if (kind.count === 0) kind.first = at;
    kind.draft = kind.count === 0 ? draft : common(kind.draft, draft);
    kind.count += 1;
    kind.last = at;
    kind.cancel ??= this.#ambient.after(Math.max(0, kind.until - now), () => void this.#tell(key));
    return true;
  }

  async #tell(key: string): Promise<void> {
    const kind = this.#kinds.get(key);
    if (!kind || kind.count === 0) return;
    kind.cancel?.();
    const { draft, count, first, last } = kind;
    kind.count = 0;
    kind.cancel = null;
    kind.windowMs = longer(kind.windowMs);
    kind.until = this.#ambient.monotonic() + kind.windowMs;
    await this.#append({ ...draft, repeated: { count, first, last } });
  }

  /** Its own key while there is room, else that of everything else of the caller, else that of everybody else. */
  #keyOf(who: string, key: string, now: number): string {
    if (this.#kinds.has(key)) return key;
    if (this.#kinds.size >= OF_ALL) this.#forget(now);
    const rest = JSON.stringify([who]);
    const room = this.#kinds.size < OF_ALL;
    if (room && (this.#ofOne.get(who) ?? 0) < OF_ONE) return key;
    return room || this.#kinds.has(rest) ? rest : '[]';
  }

  #forget(now: number): void {
    for (const [key, { who, count, until }] of this.#kinds) {
      if (count > 0 || until > now) continue;
      this.#kinds.delete(key);
      const left = (this.#ofOne.get(who) ?? 1) - 1;
      if (left > 0) this.#ofOne.set(who, left);
      else this.#ofOne.delete(who);
    }
  }
}

const longer = (ms: number): number => Math.min(LONGEST_MS, ms * 4);

/** What two refusals have in common; where they differ the record says so, or nothing. */
function common(a: AuditDraft, b: AuditDraft): AuditDraft {
  const same = JSON.stringify(a.after) === JSON.stringify(b.after);
  return {
    ...b,
    actor: idOf(a) === idOf(b) ? b.actor : 'system:refusals',
    action: a.action === b.action ? b.action : 'several',
    resource: a.resource === b.resource ? b.resource : 'operation:several',
    tenantId: a.tenantId === b.tenantId ? (b.tenantId ?? null) : null,
    problem: a.problem === b.problem ? (b.problem ?? null) : null,
    provenance: a.provenance && b.provenance ? commonSource(a.provenance, b.provenance) : null,
    after: same ? b.after : { detail: 'They differ in their words' },
  };
}

const idOf = ({ actor }: AuditDraft): string => (typeof actor === 'string' ? actor : JSON.stringify([actor.id, actor.onBehalfOf])); // prettier-ignore

/** Request and trace are those of the last, as an example. */
const commonSource = (a: Provenance, b: Provenance): Provenance => ({
  ...b,
  ip: a.ip === b.ip ? b.ip : null,
  agent: a.agent === b.agent ? b.agent : null,
});
