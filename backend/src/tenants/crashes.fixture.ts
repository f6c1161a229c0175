/** For tests: runs a job definition as the engine would, and lets the process die after any call to a port. */
import type { EffectStep, Intending, JobDefinition, Step, StepContext } from '../jobs/definition.ts';
import { noSecret } from '../jobs/sealed-definition.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import type { NatsPort } from '../ports/nats/index.ts';

/** The process died. */
export class Crash extends Error {}

/** Counts calls to ports; after the effect of the chosen one the process dies, and stays dead. */
export class Fuse {
  calls = 0;
  private readonly limit: number;

  constructor(limit = Infinity) {
    this.limit = limit;
  }

  burn(): void {
    this.calls += 1;
    this.check();
  }

  check(): void {
    if (this.calls > this.limit) throw new Crash(`died at call ${this.limit}`);
  }
}

type Call = (...args: unknown[]) => unknown;

/** Every method passes the fuse; a `refusal` may throw in place of a method that is named `<part>.<method>`. */
export function fragile<T extends object>(
  part: T,
  fuse: Fuse,
  name = '',
  refusal: (call: string) => void = () => undefined,
): T {
  return new Proxy(part, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      const path = name ? `${name}.${String(key)}` : String(key);
      if (typeof value === 'function') {
        return (...args: unknown[]): unknown => {
          const result = (): unknown => (value as Call).apply(target, args);
          // Building a cursor, or naming a collection, is no call to the server.
          if (path === 'db.collection') return fragile(result() as object, fuse, 'collection', refusal);
          if (['collection.find', 'collection.watch', 'reports'].includes(path)) return result();
          return guarded(result, fuse, () => refusal(path));
        };
      }
      return typeof value === 'object' && value !== null ? fragile(value, fuse, path, refusal) : value;
    },
  });
}

async function guarded(call: () => unknown, fuse: Fuse, refuse: () => void): Promise<unknown> {
  fuse.check();
  refuse();
  const result = await call();
  fuse.burn();
  return result;
}

export const fragileMongo = (mongo: Mongo, fuse: Fuse): Mongo => ({ ...mongo, db: fragile(mongo.db, fuse, 'db') });
export const fragileNats = (nats: NatsPort, fuse: Fuse, refusal?: (call: string) => void): NatsPort =>
  fragile(nats, fuse, '', refusal);

interface Progress {
  begun: boolean;
  done: boolean;
  compensated: boolean;
  intent: unknown;
  outcome: unknown;
}

/** What the engine keeps of a job in MongoDB, here in memory: it survives the crash of the code that runs. */
export class TestJob<I> {
  readonly jobId: string;
  readonly input: I;
  readonly steps = new Map<string, Progress>();
  direction: 'forward' | 'backward' = 'forward';
  ended: 'succeeded' | 'compensated' | null = null;
  problem: unknown = null;
  decision: unknown = null;
  private readonly twice: boolean;

  constructor(jobId: string, input: I, twice = false) {
    this.jobId = jobId;
    this.input = input;
    this.twice = twice;
  }

  async planned(definition: JobDefinition<I>): Promise<this> {
    const { decision } = await definition.plan(this.input, { principal: null, jobId: null });
    this.decision = structuredClone(decision);
    return this;
  }

  /** Goes on from what was recorded, to the end or to the next crash. */
  async go(definition: JobDefinition<I>, mongo: Mongo): Promise<void> {
    if (this.ended) return;
    if (this.direction === 'forward') await this.forward(definition, mongo);
    if (this.direction === 'backward') await this.backward(definition);
  }

  private async forward(definition: JobDefinition<I>, mongo: Mongo): Promise<void> {
    try {
      for (const step of effectsOf(definition)) await this.run(step);
      const proof = await definition.verify(this.context(null));
      const broken = proof.checks.filter(({ status }) => status === 'block');
      if (broken.length) throw new Error(broken.map(({ detail }) => detail).join('; '));
    } catch (error) {
      if (error instanceof Crash) throw error;
      this.problem = error;
      this.direction = 'backward';
      return;
    }
    await mongo.transaction(async (session) => definition.commit?.(this.context(null), session));
    this.ended = 'succeeded';
  }

  private async run(step: EffectStep<I>): Promise<void> {
    const at = this.at(step);
    if (at.done) return;
    if (!at.begun) {
      const intent = (await step.intent?.(this.context(step))) ?? null;
      Object.assign(at, { begun: true, intent: structuredClone(intent) });
    }
    if (this.twice) await step.run(this.context(step));
    at.outcome = structuredClone((await step.run(this.context(step))) ?? null);
    at.done = true;
  }

  private async backward(definition: JobDefinition<I>): Promise<void> {
    for (const step of effectsOf(definition).toReversed()) {
      const at = this.at(step);
      if (!at.begun || at.compensated) continue;
      if (this.twice) await step.compensate?.(this.context(step));
      await step.compensate?.(this.context(step));
      at.compensated = true;
    }
    this.ended = 'compensated';
  }

  private at(step: Step<I>): Progress {
    const fresh = { begun: false, done: false, compensated: false, intent: null, outcome: null };
    if (!this.steps.has(step.name)) this.steps.set(step.name, fresh);
    return this.steps.get(step.name)!;
  }

  private context(step: Step<I> | null): StepContext<I> {
    return {
      jobId: this.jobId,
      input: this.input,
      actor: 'user:ada@x.test',
      reason: null,
      decision: this.decision,
      fence: 1,
      attempt: 1,
      intent: step ? this.at(step).intent : null,
      signal: new AbortController().signal,
      secret: noSecret,
      outcomeOf: <O>({ name }: { readonly name: string }) =>
        (this.steps.get(name)?.outcome ?? undefined) as O | undefined,
      intentOf: <N>({ name }: Intending<N>) => (this.steps.get(name)?.intent ?? undefined) as N | undefined,
    };
  }
}

/** These kinds wait for nothing. */
const effectsOf = <I>({ steps }: JobDefinition<I>): EffectStep<I>[] => steps.filter((step) => 'run' in step);
