/** Records who read the log: once a minute for one reader and one question, so that a page that polls does not flood it. */
import type { Ambient } from '../../kernel/ambient.ts';
import type { AuditDraft, AuditLog } from '../record/audit-log.ts';

export const SAME_READ_MS = 60_000;
const REMEMBERED = 1_000;

export class ReadTrail {
  readonly #log: AuditLog;
  readonly #ambient: Ambient;
  /** Question → when it was last recorded; in order of recording. */
  readonly #recorded = new Map<string, number>();

  constructor(log: AuditLog, ambient: Ambient) {
    this.#log = log;
    this.#ambient = ambient;
  }

  /**
   * Paging on is the same question, so neither cursor nor limit belong into `question`; and a window of time that
   * moves with the clock counts as the same for a minute (`minutesOnly`). Reads by this replica only are coalesced.
   * @throws Problem `audit.unavailable`: the read must then not be answered
   */
  async record(draft: AuditDraft, question: Record<string, unknown>): Promise<void> {
    const actor = typeof draft.actor === 'string' ? draft.actor : `${draft.actor.id} for ${draft.actor.onBehalfOf}`;
    const key = JSON.stringify([actor, draft.action, draft.outcome, minutesOnly(question)]);
    const now = this.#ambient.monotonic();
    if (now - (this.#recorded.get(key) ?? -Infinity) < SAME_READ_MS) return;
    await this.#log.append({ ...draft, after: { ...question, ...asObject(draft.after) } });
    this.#recorded.delete(key);
    this.#recorded.set(key, now);
    const [oldest] = this.#recorded.keys();
    if (this.#recorded.size > REMEMBERED && oldest !== undefined) this.#recorded.delete(oldest);
  }
}

const asObject = (value: unknown): object => (typeof value === 'object' && value !== null ? value : {});

const minutesOnly = (question: Record<string, unknown>): unknown =>
  Object.entries(question)
    .map(([field, value]) => [field, field === 'from' || field === 'to' ? String(value).slice(0, 16) : value])
    .sort();
