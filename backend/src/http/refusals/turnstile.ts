/** How many calls of one operation may be under way: for all, and for each principal; the others wait a little or are told when to come back. */
import { Problem, type Concurrency } from '@cloudlysis/contract';
import type { Ambient } from '../../kernel/ambient.ts';

interface Waiting {
  readonly principal: string;
  readonly enter: () => void;
}

/** Waiting for one operation, at most; more would only wait for nothing. */
const QUEUE = 128;
const RETRY_AFTER_S = 5;

export class Turnstile {
  private readonly ambient: Pick<Ambient, 'after'>;
  private readonly operation: string;
  private readonly limits: Concurrency;
  private readonly inside = new Map<string, number>();
  private readonly queue: Waiting[] = [];
  private total = 0;

  constructor(ambient: Pick<Ambient, 'after'>, operation: string, limits: Concurrency) {
    this.ambient = ambient;
    this.operation = operation;
    this.limits = limits;
  }

  /** Resolves with how to leave, which may be called twice. @throws Problem `concurrency.limited` at once, or after the time that may be waited */
  async enter(principal: string, signal?: AbortSignal): Promise<() => void> {
    const waitMs = this.limits.wait_s * 1_000;
    if (this.mayEnter(principal)) return this.admit(principal);
    if (waitMs === 0 || this.queue.length >= QUEUE) throw this.refusal(principal);
    const entered = Promise.withResolvers<() => void>();
    const waiting: Waiting = { principal, enter: () => entered.resolve(this.admit(principal)) };
    const giveUp = (problem: unknown): void => {
      const at = this.queue.indexOf(waiting);
      if (at >= 0) this.queue.splice(at, 1);
      entered.reject(problem);
    };
    this.queue.push(waiting);
    const cancel = this.ambient.after(waitMs, () => giveUp(this.refusal(principal)));
    const gone = (): void => giveUp(signal!.reason);
    signal?.addEventListener('abort', gone);
    return entered.promise.finally(() => {
      cancel();
      signal?.removeEventListener('abort', gone);
    });
  }

  private mayEnter(principal: string): boolean {
    return this.total < this.limits.total && (this.inside.get(principal) ?? 0) < this.limits.per_principal;
  }

  private admit(principal: string): () => void {
    this.total++;
    this.inside.set(principal, (this.inside.get(principal) ?? 0) + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.total--;
      const mine = this.inside.get(principal)! - 1;
      if (mine === 0) this.inside.delete(principal);
      else this.inside.set(principal, mine);
      this.letIn();
    };
  }

  /** Whoever waits longest and is not over a limit of their own: one principal's queue holds up nobody else. */
  private letIn(): void {
    const next = this.queue.findIndex((waiting) => this.mayEnter(waiting.principal));
    if (next >= 0) this.queue.splice(next, 1)[0]!.enter();
  }

  private refusal(principal: string): Problem {
    const { per_principal, total } = this.limits;
    const mine = this.inside.get(principal) ?? 0;
    const whose =
      mine >= per_principal
        ? `you have ${mine} of ${this.operation} under way, at most ${per_principal} at once`
        : `${this.total} of ${this.operation} are under way, at most ${total} at once`;
    return new Problem('concurrency.limited', whose, {
      retry_after_s: RETRY_AFTER_S,
      limit: mine >= per_principal ? per_principal : total,
    });
  }
}
