// A token is refused as soon as the platform's bucket names it or its session, whatever happens to NATS, the bucket or the service.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { jetstream } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { decodeJwt } from 'jose';
import { eventually } from '../backend/testing/eventually.ts';
import { startStack, type Stack } from '../backend/testing/stack.ts';
import { stopwatch } from '../testing/stopwatch.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ tenants: 1, shards: ['g1', 'a1', 'p1', 'r1'] });
});
afterAll(() => stack?.stop());

const bucket = (): Promise<KV> => new Kvm(jetstream(stack.nc)).open('iam_revocations');
const token = async () => {
  const text = await stack.token({ email: `op-${Math.random()}@b.test`, role: 'operator' });
  return { text, jti: decodeJwt(text).jti! };
};
const status = async (text: string): Promise<number> => {
  const answer = await fetch(`${stack.url()}/admin/v1/tenants`, { headers: { authorization: `Bearer ${text}` } });
  await answer.text();
  return answer.status;
};
/** Milliseconds until it is refused. */
const refused = async (text: string): Promise<number> => {
  const began = stopwatch();
  await eventually('it is refused', async () => (await status(text)) === 401);
  return began();
};
const attention = async (): Promise<string[]> =>
  (await stack.as('operator').read('overview.get')).attention.map(({ id }) => id);

it('IAM-23 CON-07 a token that was used a moment ago is refused once its id is in the bucket, and served again once it is taken back', async () => {
  const [one, other] = [await token(), await token()];
  expect([await status(one.text), await status(other.text)]).toEqual([200, 200]);
  await (await bucket()).put(one.jti, 'signed out');
  await refused(one.text);
  expect(await status(other.text)).toBe(200);
  await (await bucket()).delete(one.jti);
  await eventually('it is served', async () => (await status(one.text)) === 200);
});

it('IAM-23 it stays refused over a restart of the service, without NATS, and when the bucket is lost', async () => {
  const [one, other, late] = [await token(), await token(), await token()];
  await (await bucket()).put(one.jti, '');
  await refused(one.text);
  await eventually('it is on record', async () => (await stack.db.collection('revocations').countDocuments({ _id: one.jti as never })) === 1); // prettier-ignore
  await stack.backend.kill();
  await (await bucket()).put(other.jti, '');
  await stack.backend.start();
  expect([await status(one.text), await status(other.text), await status(late.text)]).toEqual([401, 401, 200]);
  await eventually('both are on record', async () => (await stack.db.collection('revocations').countDocuments()) >= 2);

  await (await bucket()).destroy();
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect([await status(one.text), await status(other.text)]).toEqual([401, 401]);
  await eventually('the new bucket is there', async () => (await (await bucket()).put(late.jti, '')) > 0);
  await refused(late.text);
  await eventually('it is on record, too', async () => (await stack.db.collection('revocations').countDocuments({ _id: late.jti as never })) === 1); // prettier-ignore

  await stack.nats.stop();
  await stack.backend.kill();
  // Never ready without NATS, and up all the same.
  stack.backend.spawn();
  await eventually('it answers', async () => (await status(one.text)) > 0);
  // Nobody is locked out, whoever was refused is refused, and it is said.
  expect([await status(one.text), await status(other.text), await status(late.text)]).toEqual([401, 401, 401]);
  expect(await status((await token()).text)).toBe(200);
  await eventually('it is said', async () => (await attention()).includes('copy.behind:revocations'));
  await stack.restartNats();
  const last = await token();
  expect(await status(last.text)).toBe(200);
  await eventually('it is written', async () => (await (await bucket()).put(last.jti, '')) > 0);
  await refused(last.text);
  await eventually('all is well', async () => !(await attention()).includes('copy.behind:revocations'));
}, 120_000);
