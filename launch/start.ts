// npm start: MongoDB, NATS, the reference platform and the backend under one supervisor, until Ctrl-C.
import { join } from 'node:path';
import { Log, table } from './log.ts';
import { chooseMongo, withoutPassword, type Choice } from './mongo-choice.ts';
import { shardPlaces, writePlatformFile } from './platform.ts';
import { portConflicts, portsFrom, type Port, type PortName } from './ports.ts';
import { localDir } from './programs.ts';
import { Refusal, runMain } from './refusal.ts';
import { RunFile } from './run-file.ts';
import { mongoReady, natsCommand, natsReady, natsUrl } from './servers.ts';
import { backendSpec, nodeSpecs, serverSpec, type World } from './specs.ts';
import { Supervisor } from './supervisor.ts';

async function main(): Promise<void> {
  const began = performance.now();
  const runFile = new RunFile(join(localDir, 'run.json'));
  await runFile.claim();
  try {
    await supervise(runFile, began);
  } finally {
    runFile.release();
  }
}

async function supervise(runFile: RunFile, began: number): Promise<void> {
  const ports = portsFrom(process.env);
  await refuseBusyPorts(ports);
  const mongo = await chooseMongo(process.env, ports.PORT_MONGO.port);
  const nats = await chooseNats(ports);
  const places = shardPlaces(ports);
  const world: World = { ports, places, mongoUri: mongo.url, natsUrl: nats.url };
  writePlatformFile(join(localDir, 'platform.json'), places);
  const log = new Log(['mongo', 'nats', ...places.map((place) => place.shard_id), 'backend']);
  const supervisor = new Supervisor({
    line: (name, text) => log.line(name, text),
    started: (name, pid) => runFile.started(name, pid),
  });
  const stopped = stopOnSignals(supervisor);
  await supervisor.start([
    ...(mongo.command ? [serverSpec('mongo', mongo.command, () => mongoReady(mongo.url))] : []),
    ...(nats.command ? [serverSpec('nats', nats.command, () => natsReady(nats.url))] : []),
  ]);
  await supervisor.start(await nodeSpecs(world));
  await supervisor.start([await backendSpec(world)]);
  if (!supervisor.stopping) print(world, mongo, nats, performance.now() - began);
  await stopped;
}

async function refuseBusyPorts(ports: Record<PortName, Port>): Promise<void> {
  const elsewhere = new Set<string>();
  if (process.env['MONGODB_URI']) elsewhere.add('PORT_MONGO');
  if (process.env['NATS_URL']) elsewhere.add('PORT_NATS').add('PORT_NATS_MONITOR');
  const conflicts = await portConflicts(Object.values(ports).filter(({ variable }) => !elsewhere.has(variable)));
  if (conflicts.length > 0)
    throw new Refusal(`Nothing was started:\n${conflicts.map((line) => `  ${line}`).join('\n')}`);
}

async function chooseNats(ports: Record<PortName, Port>): Promise<Choice> {
  const given = process.env['NATS_URL'];
  if (given) {
    const unreachable = (error: Error): never => {
      throw new Refusal(`Cannot use the NATS behind NATS_URL (${withoutPassword(given)}): ${error.message}`);
    };
    await natsReady(given).catch(unreachable);
    return { url: given, chosen: 'NATS_URL' };
  }
  const port = ports.PORT_NATS.port;
  const monitor = ports.PORT_NATS_MONITOR.port;
  const command = await natsCommand({ port, monitor, storeDir: join(localDir, 'nats') });
  return { url: natsUrl(port), chosen: command.chosen, command };
}

/** Resolves when all is stopped. The first signal stops in order; one that comes later kills. */
function stopOnSignals(supervisor: Supervisor): Promise<void> {
  return new Promise((resolve) => {
    let first = 0;
    const stop = (why: string): void => {
      const now = performance.now();
      // npm and the bootstrap pass on the Ctrl-C that the terminal sent to us as well: one press, several signals.
      if (first && now - first < 500) return;
      if (first) return supervisor.kill();
      first = now;
      process.stdout.write(`\n${why}: stopping in reverse order (again to force)\n`);
      void supervisor.stop().then(resolve);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
    process.on('disconnect', () => stop('the bootstrap is gone'));
    process.channel?.unref();
  });
}

function print({ ports, places }: World, mongo: Choice, nats: Choice, ms: number): void {
  const api = `http://127.0.0.1:${ports.PORT_BACKEND.port}`;
  const rows = [
    ['backend', `${api}/admin/v1`, `OpenAPI at ${api}/admin/v1/openapi.json`],
    ...places.map(({ shard_id, kind, endpoint }) => [shard_id, endpoint, kind]),
    ['mongo', withoutPassword(mongo.url), mongo.chosen],
    ['nats', withoutPassword(nats.url), nats.chosen],
  ];
  process.stdout.write(`\nReady in ${(ms / 1000).toFixed(1)} s. Ctrl-C stops all.\n\n${table(rows)}\n
  curl -H "Authorization: Bearer $(npm run -s token -- --email a@b.test --role operator)" ${api}/admin/v1/me\n\n`);
}

await runMain(main);
