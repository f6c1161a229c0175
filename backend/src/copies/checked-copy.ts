/**
 * A copy in memory of what is stored elsewhere: read in full, then followed, and compared with a full read on a period and
 * on every doubt. It says since when it may be behind.
 *
 * What is followed only says where to look; what is there is always read. So a lower revision, a restored backup or a
 * change that was announced twice need no rule of their own: whatever was read last is what the copy holds.
 */
import type { Logger } from 'pino';
import { Problem } from '@cloudlysis/contract';
import type { Ambient } from '../kernel/ambient.ts';
import { Announcements } from './announcements.ts';
import type { CopyState } from './attention.ts';
import type { CopyReport } from './copies.ts';
import { ReadOrder } from './read-order.ts';
import { CopyTrouble } from './copy-trouble.ts';
import type { Found, Source } from './source.ts';

export interface CopyOptions<T> {
  /** What it is a copy of, in the plural: `placements`. */
  readonly name: string;
  readonly source: Source<T>;
  readonly ambient: Ambient;
  readonly logger: Logger;
  /** Told of every change of the copy; null when it is no longer there. What it throws leaves the value out of use. */
  apply(id: string, value: T | null): void;
  /** What is wrong with a value, so that nothing can be made of it: it is left out of use and told of. */
  readonly fault?: (value: T) => string | null;
  /** Milliseconds between two comparisons with a full read; 60 000 unless told. */
  readonly checkMs?: number;
}

const CHECK_MS = 60_000;
const REOPEN_MS = 500;
/** A change that a check found and that was not announced by then was missed. */
const ANNOUNCED_MS = 2_000;
/** Ids read at once: 50 take 10 ms on the embedded store, 500 take 200 ms. */
const AT_ONCE = 50;

export class CheckedCopy<T> implements CopyReport {
  readonly name: string;
  private readonly options: CopyOptions<T>;
  private readonly order = new ReadOrder<T>();
  private readonly stopping = new AbortController();
  private readonly announcements: Announcements;
  /** Id → why it is left out. */
  private readonly bad = new Map<string, string>();
  private readonly standing: CopyTrouble;
  private isRead = false;
  private missed = 0;
  private checking: Promise<void> | undefined;
  private comparing: Promise<void> | undefined;
  private running: Promise<unknown> | undefined;
  private following: AbortController | undefined;
  private isFollowed = false;

  constructor(options: CopyOptions<T>) {
    this.options = options;
    this.name = options.name;
    const { ambient, logger, checkMs = CHECK_MS } = options;
    this.standing = new CopyTrouble(options.name, ambient, logger, checkMs);
    this.announcements = new Announcements({
      look: (ids) => this.look(ids),
      failed: (error) => this.lookFailed(error),
      atOnce: AT_ONCE,
      stopping: this.stopping.signal,
    });
  }

  get size(): number {
    return this.order.size;
  }

  get(id: string): T | undefined {
    return this.bad.has(id) ? undefined : this.order.get(id);
  }

  /** Of use; see `unreadable`. */
  *values(): Generator<T> {
    for (const [id, value] of this.order.entries()) if (!this.bad.has(id)) yield value;
  }

  /** Id → why it is left out. */
  unreadable(): ReadonlyMap<string, string> {
    return this.bad;
  }

  state(): CopyState {
    const { trouble, checkedAt } = this.standing;
    const [behindSince, reason] = [trouble?.since ?? null, trouble?.reason ?? null];
    return { name: this.name, size: this.size, missed: this.missed, checkedAt, behindSince, reason };
  }

  /** Resolves once it was read in full. @throws Problem of the source */
  async current(): Promise<void> {
    if (!this.isRead) await this.check();
  }

  /** Compares with all that is stored, after this call; for what must not be decided on a copy that is behind. @throws Problem of the source */
  async check(): Promise<void> {
    // One that runs may have passed what the caller is about.
    await this.checking?.catch(() => undefined);
    await (this.checking ??= this.compare('all').finally(() => (this.checking = undefined)));
  }

  /** As `check`, only where there is doubt. @throws Problem of the source */
  async trusted(): Promise<void> {
    if (!this.isRead || this.standing.trouble) await this.check();
  }

  /** A committed write of this process, so that it shows at once; read again, because another may have come after it. */
  put(id: string, value: T | null): void {
    if (this.order.set(id, value, this.order.begin())) this.tell(id, value);
    this.order.end();
    if (this.running) this.announcements.heard([id]);
  }

  /** Reads these anew. @throws Problem of the source */
  async look(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      const some = ids.slice(from, from + AT_ONCE);
      await this.reading(async (moment) => {
        const found = new Map(await this.options.source.some(some));
        for (const id of some) this.take(id, found.get(id) ?? null, moment);
      });
    }
  }

  start(): void {
    this.running ??= Promise.all([this.followForever(), this.checkForever()]);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.following?.abort();
    await this.running;
    await Promise.allSettled([this.announcements.rest(), this.checking, this.comparing]);
  }

  private async followForever(): Promise<void> {
    const { signal } = this.stopping;
    const { source, ambient } = this.options;
    while (!signal.aborted) {
      const following = (this.following = new AbortController());
      const change = {
        opened: () => void this.caughtUp(following.signal),
        changed: (ids: readonly string[]) => this.announcements.heard(ids),
        doubt: (reason: string) => {
          this.standing.doubt(reason);
          void this.caughtUp(following.signal);
        },
      };
      const ended = await source.follow(change, following.signal).then(
        () => 'it ended',
        (error: unknown) => reasonOf(error),
      );
      following.abort();
      this.isFollowed = false;
      if (signal.aborted) return;
      this.standing.doubt(`the watch broke: ${ended}`);
      await ambient.sleep(REOPEN_MS, signal).catch(() => undefined);
    }
  }

  /** Nothing is missed from the opening on, so a full read that begins now makes the copy whole. */
  private async caughtUp(following: AbortSignal): Promise<void> {
    this.isFollowed = true;
    while (!following.aborted) {
      try {
        // A doubt that comes during the check brings a check of its own.
        const settled = this.standing.settling();
        await this.check();
        if (!following.aborted) settled();
        return;
      } catch (error) {
        this.standing.doubt(`it could not be read: ${reasonOf(error)}`);
        await this.options.ambient.sleep(REOPEN_MS, following).catch(() => undefined);
      }
    }
  }

  private async checkForever(): Promise<void> {
    const { signal } = this.stopping;
    const { ambient, checkMs = CHECK_MS, logger } = this.options;
    while (!signal.aborted) {
      await ambient.sleep(checkMs, signal).catch(() => undefined);
      if (signal.aborted || !this.isFollowed) continue;
      this.comparing = this.compare('windows');
      await this.comparing.catch((error: unknown) => logger.warn({ err: error, copy: this.name }, 'a copy was not compared'));
    }
  } // prettier-ignore

  /** Every read that finds something else than the copy holds mends it; what nobody announces within 2 s was missed. */
  private async compare(how: 'all' | 'windows'): Promise<void> {
    const { source } = this.options;
    const wasRead = this.isRead && this.isFollowed && !this.standing.trouble;
    const announced = this.announcements.witness();
    const mended: string[] = [];
    try {
      await this.reading(async (moment) => {
        const take = ({ expected, found }: Found<T>): void => {
          const here = new Set(found.map(([id]) => id));
          for (const [id, value] of found) if (this.take(id, value, moment)) mended.push(id);
          for (const id of expected) if (!here.has(id) && this.take(id, null, moment)) mended.push(id);
        };
        if (how === 'windows' && source.windows) {
          for await (const window of source.windows(this.order.entries())) take(window);
        } else {
          const found = await source.all();
          take({ expected: this.order.ids(), found });
        }
      });
      this.isRead = true;
      this.standing.checked();
    } finally {
      if (wasRead && mended.length > 0) void this.countMissed(mended, announced);
      else this.announcements.dismiss(announced);
    }
  }

  private async countMissed(mended: readonly string[], announced: Set<string>): Promise<void> {
    const { ambient, logger } = this.options;
    await ambient.sleep(ANNOUNCED_MS, this.stopping.signal).catch(() => undefined);
    this.announcements.dismiss(announced);
    const missed = mended.filter((id) => !announced.has(id));
    if (missed.length === 0 || this.stopping.signal.aborted) return;
    this.missed += missed.length;
    logger.warn({ copy: this.name, missed: missed.length, some: missed.slice(0, 5) }, 'changes were not announced; the watch is opened anew'); // prettier-ignore
    this.following?.abort();
  }

  private async lookFailed(error: unknown): Promise<void> {
    this.standing.doubt(`a change could not be read: ${reasonOf(error)}`);
    await this.options.ambient.sleep(REOPEN_MS, this.stopping.signal).catch(() => undefined);
    // Whatever was in the way, a full read settles it.
    if (this.following && !this.following.signal.aborted) void this.caughtUp(this.following.signal);
  }

  private async reading(work: (moment: number) => Promise<void>): Promise<void> {
    const moment = this.order.begin();
    try {
      await work(moment);
    } finally {
      this.order.end();
    }
  }

  /** True when the copy was changed by it. */
  private take(id: string, value: T | null, moment: number): boolean {
    const isNew = this.order.set(id, value, moment, this.options.source.isSame);
    if (isNew) this.tell(id, value);
    return isNew;
  }

  private tell(id: string, value: T | null): void {
    const { apply, logger, fault } = this.options;
    this.bad.delete(id);
    const reason = value === null ? null : (fault?.(value) ?? null);
    try {
      if (reason !== null) this.bad.set(id, reason);
      apply(id, reason === null ? value : null);
    } catch (error) {
      logger.warn({ err: error, copy: this.name, id }, 'this cannot be used; it is left out');
      if (value === null) return;
      this.bad.set(id, 'its content is not what is stored here');
      apply(id, null);
    }
  }
}

/** For people, so without what a driver says of addresses. */
const reasonOf = (error: unknown): string => (error instanceof Problem ? error.message : 'no answer');
