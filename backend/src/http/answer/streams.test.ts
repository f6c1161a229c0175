import { Readable } from 'node:stream';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { Problem, type Assignment, type Job } from '@cloudlysis/contract';
import { eventually } from '../../../testing/eventually.ts';
import { systemAmbient } from '../../kernel/ambient.ts';
import { PermissionTable } from '../../identity/index.ts';
import { constantMutations, constantReads, JOB, JOB_ID } from '../answers.fixture.ts';
import { TIMEOUTS } from '../server/server.ts';
import { startTestApi } from '../test-api.fixture.ts';
import { stopwatch } from '../../../../testing/stopwatch.ts';

const table = new PermissionTable([{ id: 'dev', tier: 'dev' }]);
const event = (state: Job['state']) => `: heartbeat\n\nevent: job\ndata: ${JSON.stringify({ ...JOB, state })}\n\n`;
const BODY = { tenant_id: 'acme', kind: 'aggregate', to: 'a2', reason: 'full disk' } as const;

it('API-02 a job is followed over events, and by asking when the stream breaks', async () => {
  const states: Job['state'][] = ['queued', 'running', 'succeeded'];
  let streams = 0;
  const seen = () => states[Math.min(streams, 2)]!;
  await using api = await startTestApi({
    reads: {
      ...constantReads(table),
      'jobs.get': async () => ({ ...JOB, state: seen() }),
      'jobs.events': async () => {
        streams++;
        if (streams === 1) throw new Problem('store.unavailable');
        return { type: 'text/event-stream', stream: Readable.from([event('running'), event('succeeded')]) };
      },
    },
  });
  const told: string[] = [];
  const job = await api.client(await api.token('operator')).follow(JOB_ID, ({ state }) => told.push(state));
  expect([job.state, told]).toEqual(['succeeded', ['running', 'running', 'succeeded']]);
});

it('API-02 following a job that is unknown, or on after it was called off, ends with the reason', async () => {
  await using api = await startTestApi({
    reads: {
      ...constantReads(table),
      'jobs.events': async ({ params }) => {
        if (params.job_id !== JOB_ID) throw new Problem('job.unknown');
        return { type: 'text/event-stream', stream: new Readable({ read: () => undefined }) };
      },
    },
  });
  const client = api.client(await api.token('operator'));
  const unknown = 'job_00000000-0000-0000-0000-000000000000';
  await expect(client.follow(unknown, () => undefined)).rejects.toMatchObject({ code: 'job.unknown' });
  const stop = new AbortController();
  const following = client.follow(JOB_ID, () => undefined, stop.signal);
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await expect(following).rejects.toThrow();
});

it('a client that goes away ends the stream and the handler’s signal', async () => {
  const source = new Readable({ read: () => undefined });
  let signal: AbortSignal | undefined;
  await using api = await startTestApi({
    reads: {
      ...constantReads(table),
      'jobs.events': async (call) => {
        signal = call.signal;
        return { type: 'text/event-stream', stream: source };
      },
    },
  });
  const stop = new AbortController();
  const init = { token: await api.token('operator'), signal: stop.signal };
  const response = await api.fetch(`/admin/v1/jobs/${JOB_ID}/events`, init);
  expect(response.headers.get('x-accel-buffering')).toBe('no');
  source.push(': hello\n\n');
  const gone = once(source, 'close').catch(() => undefined);
  stop.abort();
  await gone;
  expect(source.destroyed).toBe(true);
  await eventually('the handler is told', async () => signal!.aborted);
});

it('AUD-08 an export is held back by a slow reader, and one that breaks cannot be taken for whole', async () => {
  let produced = 0;
  let broken = false;
  await using api = await startTestApi({
    reads: {
      ...constantReads(table),
      'audit.export': async () => ({
        type: 'application/x-ndjson',
        filename: 'audit "x".jsonl',
        stream: new Readable({
          read() {
            produced += 64 * 1024;
            if (broken && produced > 200_000) this.destroy(new Error('store went away'));
            else this.push(Buffer.alloc(64 * 1024, 'x'));
          },
        }),
      }),
    },
  });
  const token = await api.token('owner');
  const { hostname, port } = new URL(api.url);
  const slow = connect(Number(port), hostname).pause();
  slow.write(`GET /admin/v1/audit/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  await eventually('it is held back', async () => {
    const held = produced;
    await sleep(200);
    return held > 0 && produced === held;
  });
  slow.destroy();
  broken = true;
  produced = 0;
  const response = await api.fetch('/admin/v1/audit/export', { token });
  expect(response.headers.get('content-disposition')).toBe('attachment; filename="audit__x_.jsonl"');
  await expect(response.text()).rejects.toThrow();
});

it('IAM-23 a token that is revoked, or that expires, is sent no more of what it opened', async () => {
  let ahead = 0;
  const ambient = { ...systemAmbient(), now: () => new Date(Date.now() + ahead) };
  const opened: Readable[] = [];
  const endless = (): Readable => {
    const stream = new Readable({ read: () => undefined });
    opened.push(stream);
    return stream;
  };
  await using api = await startTestApi({
    ambient,
    reads: {
      ...constantReads(table),
      'jobs.events': async () => ({ type: 'text/event-stream', stream: endless() }),
    },
  });
  const path = `/admin/v1/jobs/${JOB_ID}/events`;
  const [revoked, expired] = [await api.token('operator', { sid: 's1' }), await api.token('operator', { sid: 's2' })];
  const answers = [await api.fetch(path, { token: revoked }), await api.fetch(path, { token: expired })];
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const ended = opened.map((stream) => once(stream, 'close'));
  api.revocations.revoke('s1');
  await ended[0];
  expect(opened.map(({ destroyed }) => destroyed)).toEqual([true, false]);
  ahead = 86_400_000;
  await ended[1];
  for (const answer of answers) await answer.body?.cancel().catch(() => undefined);
});

it('IAM-29 IAM-30 a right that is taken away ends what it opened, as far as it reached', async () => {
  const role = 'operator' as const;
  const on = (...ids: string[]): Assignment[] =>
    ids.map((tenant_id) => ({ principal: 'ada@b.test', role, scope: { kind: 'tenant', tenant_id } }));
  const permissions = new PermissionTable([{ id: 'dev', tier: 'dev' }], on('a', 'b'));
  const opened: Readable[] = [];
  const endless = (): Readable => {
    const stream = new Readable({ read: () => undefined });
    opened.push(stream);
    return stream;
  };
  await using api = await startTestApi({
    permissions,
    reads: {
      ...constantReads(permissions),
      'jobs.events': async () => ({ type: 'text/event-stream', stream: endless() }),
    },
  });
  const path = `/admin/v1/jobs/${JOB_ID}/events`;
  const token = await api.token(undefined, { email: 'ada@b.test' });
  const open = async (): Promise<Readable> => {
    expect((await api.fetch(path, { token })).status).toBe(200);
    return opened.at(-1)!;
  };
  const all = (...scopes: Assignment['scope'][]): Assignment[] =>
    scopes.map((scope) => ({ principal: 'ada@b.test', role, scope }));
  // One more, another way to the same, and the same anew end nothing.
  const first = await open();
  permissions.replaceAll(on('a', 'b', 'c'));
  await sleep(700);
  permissions.replaceAll(all({ kind: 'global' }));
  await sleep(700);
  permissions.replaceAll(on('b', 'a'));
  await sleep(700);
  expect(first.destroyed).toBe(false);
  for (const less of [on('a'), on('a', 'c'), []]) {
    permissions.replaceAll(on('a', 'b'));
    const stream = await open();
    const ended = once(stream, 'close');
    permissions.replaceAll(less);
    await ended;
  }
  permissions.replaceAll(all({ kind: 'global' }));
  const platform = await open();
  const ended = once(platform, 'close');
  permissions.replaceAll(on('a', 'b'));
  await ended;
});

it('a stop finishes what is in flight, ends event streams and answers no more', async () => {
  let release: (job: Job) => void = () => undefined;
  const begun = Promise.withResolvers<void>();
  const endless = new Readable({ read: () => undefined });
  await using api = await startTestApi({
    mutations: constantMutations(() => new Promise<Job>((resolve) => ((release = resolve), begun.resolve()))),
    reads: {
      ...constantReads(table),
      'jobs.events': async () => ({ type: 'text/event-stream', stream: endless }),
    },
  });
  const token = await api.token('operator');
  const client = api.client(token);
  const events = await client.stream('jobs.events', { params: { job_id: JOB_ID } });
  const submitted = client.submit('scale.migrate', { body: BODY, idempotencyKey: 'k' });
  await begun.promise;
  const started = stopwatch();
  const stopped = api.server.stop();
  await expect(events.text()).rejects.toThrow();
  await sleep(100);
  release(JOB);
  expect((await submitted).status).toBe(202);
  await stopped;
  expect(started()).toBeLessThan(2_000);
  await expect(api.fetch('/healthz')).rejects.toThrow();
});

it('connections outlive the 90 s that Grafana’s proxy keeps them, and the time in which headers must arrive', async () => {
  expect(TIMEOUTS.keepAliveTimeout).toBeGreaterThan(100_000);
  // An older Node counted the headers' time from the request before, and cut kept connections with it.
  await using api = await startTestApi({ timeouts: { headersTimeout: 200, requestTimeout: 400, connectionsCheckingInterval: 50 } }); // prettier-ignore
  const { hostname, port } = new URL(api.url);
  const kept = connect(Number(port), hostname);
  const ask = async (): Promise<string> => {
    kept.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    return String((await once(kept, 'data'))[0]);
  };
  expect(await ask()).toContain('200 OK');
  await sleep(1_200);
  expect(await ask()).toContain('200 OK');
  kept.destroy();
});
