// A change that carries secrets and tells them wherever a careless definition could: over a world of cells in the database.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  mutation,
  Problem,
  prose,
  Reason,
  secret,
  SECRET_SHOWN,
  TenantId,
  type MutationId,
} from '@cloudlysis/contract';
import { z } from 'zod';
import type { Mongo } from '../../ports/mongo/mongo.ts';
import type { JobDefinition, StepContext } from '../define/definition.ts';

/** Where the change tells its secret, or goes wrong. */
const MODES = [
  'ok', 'plan', 'plan throws', 'blocked', 'intent', 'outcome', 'facts', 'commit', 'throws', 'throws a problem', 'verify', 'verify throws',
  'undo', 'hold', 'wait', 'child', 'refused child',
] as const; // prettier-ignore
export type Mode = (typeof MODES)[number];

const spec = {
  permission: 'tenants.update',
  scope: 'tenant',
  risk: 'high',
  summary: 'Set a password, as a test does',
  params: z.strictObject({ tenant_id: TenantId }),
  body: z.strictObject({
    mode: z.enum(MODES),
    password: secret({ max: 2_000 }),
    smtp: z.strictObject({ host: prose(1, 99), token: secret().nullable().optional() }).optional(),
    reason: Reason,
  }),
} as const;

/** Not in the catalogue: nobody can ask for it outside of tests. */
export const rotation = mutation('fixture.rotate', { ...spec, path: '/fixtures/:tenant_id/rotate' });
export const KIND = 'fixture.rotate' as MutationId;

interface Input {
  readonly tenant_id: string;
  readonly mode: Mode;
  readonly password: string;
  readonly smtp?: { readonly host: string; readonly token?: string | null };
}

/** What the step was given, by job: a digest, since the database is looked through afterwards. */
export const usedIn = (mongo: Mongo) => mongo.db.collection<{ _id: string; sha256: string; by: string }>('used');
export const digestOf = (value: string): string => createHash('sha256').update(value).digest('hex');
export const holdsOf = (mongo: Mongo) => mongo.db.collection<{ _id: string }>('holds');

/** As drivers and shells say it. */
const said = (password: string): string =>
  [
    `auth failed for '${password}'`, JSON.stringify({ password }), JSON.stringify(JSON.stringify({ password })),
    `https://root:${encodeURIComponent(password)}@db/?p=${new URLSearchParams([['p', password]]).toString()}`,
    `Basic ${Buffer.from(`root:${password}`).toString('base64')}`, Buffer.from(password).toString('base64url'),
    Buffer.from(password).toString('hex'), Buffer.from(`x${password}y`).toString('hex').toUpperCase(),
  ].join(' '); // prettier-ignore

const check = (status: 'pass' | 'block', detail: string) => ({
  id: 'it',
  title: `It ${detail}`,
  status,
  measured: detail,
  limit: null,
  unit: null,
  detail,
});

export function rotate(mongo: Mongo, by = 'here'): JobDefinition<Input> {
  const wrong = (password: string): Error => {
    const cause = Object.assign(new TypeError(said(password)), { config: { password }, code: 'EAUTH' });
    return Object.assign(new Error(`step: ${said(password)}`, { cause }), { password });
  };
  const undone = new Set<string>();
  const onceWrong = async ({ input, jobId, secret: of }: StepContext<Input>): Promise<void> => {
    if (input.mode !== 'undo' || undone.has(jobId)) return;
    undone.add(jobId);
    throw wrong(of('password').open());
  };
  const compensate = async ({ input, jobId, secret: of }: StepContext<Input>): Promise<void> => {
    if (input.mode === 'wait') return;
    const sha256 = digestOf(of('password').open());
    await usedIn(mongo).updateOne({ _id: `${jobId} undone` }, { $set: { sha256, by } }, { upsert: true });
  };
  const run = async (context: StepContext<Input>): Promise<unknown> => {
    const { input, jobId, signal } = context;
    const password = context.secret('password').open();
    const token = input.smtp?.token ? context.secret('smtp/token').open() : '';
    await usedIn(mongo).updateOne({ _id: jobId }, { $set: { sha256: digestOf(password + token), by } }, { upsert: true }); // prettier-ignore
    while (['hold', 'wait'].includes(input.mode) && (await holdsOf(mongo).findOne({ _id: input.tenant_id })))
      await sleep(20, undefined, { signal });
    if (input.mode === 'throws' || input.mode === 'undo') throw wrong(password);
    if (input.mode === 'throws a problem')
      throw new Problem('node.forbidden_host', said(password), { password, issues: [said(password)], [password]: 1 }, wrong(password)); // prettier-ignore
    return input.mode === 'outcome' ? { is: [said(password)] } : { is: `${context.secret('password')}` };
  };
  return {
    kind: KIND,
    risk: 'high',
    permission: 'tenants.update',
    body: spec.body,
    lane: ({ tenant_id }) => `tenant:${tenant_id}`,
    tenantId: ({ tenant_id }) => tenant_id,
    resource: ({ tenant_id }) => `tenant:${tenant_id}`,
    async plan({ mode, tenant_id, password: shown }, { secret: of }) {
      const password = of!('password').open();
      if (mode === 'plan throws') throw wrong(password);
      const tells = mode === 'plan' || mode === 'blocked' ? said(password) : `sets ${shown}`;
      return {
        checks: [check(mode === 'blocked' ? 'block' : 'pass', tells)],
        diff: [{ op: 'replace', path: `tenants.${tenant_id}.login`, before: null, after: { [tells]: [tells] } }],
        blastRadius: [],
        rollback: tells,
        world: { tells },
      };
    },
    steps: [
      { name: 'first', title: 'First', run: async () => null, compensate: onceWrong },
      {
        name: 'set',
        title: ({ password }) => `Set ${password}`,
        attempts: 1,
        timeoutMs: 20_000,
        run,
        compensate,
        intent: async ({ input, secret: of }) => ({
          to: input.mode === 'intent' ? said(of('password').open()) : `${of('password')}`,
        }),
      },
      {
        name: 'pass it on',
        title: 'Pass it on',
        children: ({ input, secret: of }) => {
          const child = (mode: Mode) => ({ tenant_id: `${input.tenant_id}-child`, mode, password: SECRET_SHOWN });
          const mode = { child: 'ok', 'refused child': 'blocked' }[input.mode as string] as Mode | undefined;
          return {
            jobs: mode ? [{ kind: KIND, input: child(mode), key: 'one', secrets: { password: of('password') } }] : [],
            atOnce: 1,
          };
        },
        joined: async (_, [one]) => ({ child: one?.state ?? null, detail: one?.detail ?? null }),
      },
    ],
    async verify(context) {
      const password = context.secret('password').open();
      if (context.input.mode === 'verify throws') throw new Problem('node.forbidden_host', said(password));
      const facts = context.input.mode === 'facts' ? { [password]: { said: said(password) }, password } : {};
      return { checks: [check(context.input.mode === 'verify' ? 'block' : 'pass', said(password))], facts };
    },
    async commit(context) {
      if (context.input.mode === 'commit') throw wrong(context.secret('password').open());
    },
    undo: ({ tenant_id }, { jobId }) => ({ operation: KIND, params: { tenant_id }, body: { mode: 'ok', was: jobId } }),
  };
}
