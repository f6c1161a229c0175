import { describe, expect, it } from '@jest/globals';
import { readConfig } from './config.ts';
import { createMetrics, TenantLabels } from './metrics.ts';
import { Gates } from './tenant-gate.ts';

describe('TenantGate', () => {
  it('OPS-07 a drain is over when the last work is, and a tenant that moved away is let go only then', async () => {
    const gates = new Gates();
    const gate = gates.arrive('t');
    const leave = gate.enter();
    gates.drain('t');
    expect(gate.report()).toEqual({ tenant_id: 't', state: 'draining', in_flight: 1 });
    const gone = gates.leave('t');
    expect(gates.get('t')).toBe(gate);
    leave();
    leave();
    expect(await gone).toBe(true);
    expect(gates.get('t')).toBeUndefined();
    expect(gate.inFlight).toBe(0);
  });

  it('OPS-07 a tenant that comes back before its last work is done is served again by the same gate', async () => {
    const gates = new Gates();
    const gate = gates.arrive('t');
    const leave = gate.enter();
    const gone = gates.leave('t');
    expect(gates.arrive('t')).toBe(gate);
    leave();
    expect(await gone).toBe(false);
    expect(gate.report().state).toBe('serving');
  });

  it('OPS-08 a drained node drains newcomers too, and resumes as a whole', () => {
    const gates = new Gates();
    gates.arrive('a');
    gates.drain();
    expect(gates.arrive('b').report().state).toBe('drained');
    gates.resume();
    expect(gates.all().map((gate) => gate.report().state)).toEqual(['serving', 'serving']);
    gates.get('a')!.set({ paused: true });
    expect(gates.get('a')!.report().state).toBe('paused');
  });

  it('OBS-10 CON-16 tenant labels are bounded', () => {
    const labels = new TenantLabels(2);
    expect(['a', 'b', 'c', 'a'].map((tenant) => labels.of(tenant))).toEqual(['a', 'b', 'other', 'a']);
    labels.forget('a');
    expect(labels.of('c')).toBe('c');
  });

  it('OBS-07 OBS-08 OBS-09 OBS-41 every series says service and environment, and one says what runs', async () => {
    const env = { SHARD_ID: 'a1', NATS_URL: 'nats://x:1', DEPLOY_ENV: 'staging', GIT_SHA: 'abc' };
    const text = await createMetrics(readConfig('aggregate', env)).registry.metrics();
    const series = text.split('\n').filter((line) => line && !line.startsWith('#'));
    expect(series.length).toBeGreaterThan(20);
    expect(series.filter((line) => !/[{,]service="aggregate".*[{,]?env="staging"/.test(line))).toEqual([]);
    expect(series.filter((line) => line.startsWith('aggregate_build_info{'))).toEqual([
      expect.stringMatching(/version="[^"]+".*git_sha="abc".* 1$/),
    ]);
  });

  it('names everything that is wrong with a configuration at once', () => {
    expect(() => readConfig('tractor', { PORT: 'x', PLACEMENT_SOURCE: 'paper' })).toThrow(
      /first argument.*SHARD_ID.*NATS_URL.*PLACEMENT_SOURCE.*PORT/,
    );
    expect(() => readConfig('gateway', { SHARD_ID: 'g1', NATS_URL: 'nats://x:1' })).toThrow(/GATEWAY_KEY_FILE/);
  });
});
