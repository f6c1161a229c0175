// npm start: MongoDB, NATS, the reference platform and the backend under one supervisor, then the app in a Grafana, until Ctrl-C.
import { join } from 'node:path';
import { chooseGrafana, grafanaPorts, type GrafanaChoice } from './grafana/grafana-choice.ts';
import { Log, table } from './supervisor/log.ts';
import { chooseMongo, withoutPassword, type Choice } from './servers/mongo-choice.ts';
import { appRows, installText, openApp } from './grafana/open-app.ts';
import { movedSince, shardPlaces, writePlatformFile, type ShardPlace } from './platform/platform.ts';
import { portConflicts, portsFrom, type Port, type PortName } from './machine/ports.ts';
import { stateDir } from './machine/programs.ts';
import { Refusal, runMain } from './machine/refusal.ts';
import { RunFile } from './platform/run-file.ts';
import { mongoReady, natsCommand, natsReady, natsUrl } from './servers/servers.ts';
import { appSettings, backendSpec, nodeSpecs, serverSpec, type World } from './platform/specs.ts';
import { Supervisor } from './supervisor/supervisor.ts';

async function main(): Promise<void> {
  const began = performance.now();
  const runFile = new RunFile(join(stateDir, 'run.json'));
  await runFile.claim();
  try {
    await supervise(runFile, began);
  } finally {
    runFile.release();
  }
}

async function supervise(runFile: RunFile, began: number): Promise<void> {
  const ports = portsFrom(process.env);
  const grafana = chooseGrafana(process.env, ports);
  await refuseBusyPorts(ports, grafana);
  const places = shardPlaces(ports);
  const platformFile = join(stateDir, 'platform.json');
  refuseMovedShards(platformFile, places);
  const mongo = await chooseMongo(process.env, ports.PORT_MONGO.port);
  const nats = await chooseNats(ports);
  const world: World = { ports, places, mongoUri: mongo.url, natsUrl: nats.url, grafana };
  writePlatformFile(platformFile, places);
  const log = new Log(['mongo', 'nats', ...places.map((place) => place.shard_id), 'backend', 'grafana', 'workbench']);
  const witness = {
    line: (name: string, text: string) => log.line(name, text),
    started: (name: string, pid: number) => runFile.started(name, pid),
  };
  const platform = new Supervisor(witness);
  const pages = new Supervisor(witness);
  const { stopped, stopping } = stopOnSignals([platform, pages]);
  await platform.start([
    ...(mongo.command ? [serverSpec('mongo', mongo.command, () => mongoReady(mongo.url))] : []),
    ...(nats.command ? [serverSpec('nats', nats.command, () => natsReady(nats.url))] : []),
  ]);
  await platform.start(await nodeSpecs(world));
  await platform.start([await backendSpec(world)]);
  const opened = await openUnlessBroken(world, pages, stopping);
  if (!platform.stopping) await print(world, mongo, nats, opened, performance.now() - began);
  await stopped;
}

// Under a supervisor of its own: an app that cannot be opened takes nothing of the control plane down with it.
async function openUnlessBroken(world: World, pages: Supervisor, stopping: AbortSignal): Promise<boolean> {
  try {
    await openApp(world.grafana, await appSettings(world), pages, stopping);
    return true;
  } catch (error) {
    if (!stopping.aborted) process.stderr.write(`\n✗ The app is not open: ${(error as Error).message}\n`);
    return false;
  }
}

async function refuseBusyPorts(ports: Record<PortName, Port>, grafana: GrafanaChoice): Promise<void> {
  const elsewhere = new Set<string>(['PORT_GRAFANA', 'PORT_GRAFANA_13']);
  for (const name of grafanaPorts(grafana)) elsewhere.delete(name);
  if (process.env['MONGODB_URI']) elsewhere.add('PORT_MONGO');
  if (process.env['NATS_URL']) elsewhere.add('PORT_NATS').add('PORT_NATS_MONITOR');
  const conflicts = await portConflicts(Object.values(ports).filter(({ variable }) => !elsewhere.has(variable)));
  if (conflicts.length > 0)
    throw new Refusal(`Nothing was started:\n${conflicts.map((line) => `  ${line}`).join('\n')}`);
}

function refuseMovedShards(platformFile: string, places: readonly ShardPlace[]): void {
  const moved = movedSince(platformFile, places);
  if (moved.length > 0)
    throw new Refusal(
      `Nothing was started:\n${moved.map((line) => `  ${line}`).join('\n')}\n` +
        '  or make the platform anew: npm run reset',
    );
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
  const command = await natsCommand({ port, monitor, storeDir: join(stateDir, 'nats') });
  return { url: natsUrl(port), chosen: command.chosen, command };
}

/** `stopped` resolves when all is, the last started first. The first signal stops in order; one that comes later kills. */
function stopOnSignals(supervisors: readonly Supervisor[]): { stopped: Promise<void>; stopping: AbortSignal } {
  const controller = new AbortController();
  const stopAll = async (): Promise<void> => {
    for (const supervisor of supervisors.toReversed()) await supervisor.stop();
  };
  const stopped = new Promise<void>((resolve) => {
    let first = 0;
    const stop = (why: string): void => {
      const now = performance.now();
      // npm and the bootstrap pass on the Ctrl-C that the terminal sent to us as well: one press, several signals.
      if (first && now - first < 500) return;
      if (first) return supervisors.forEach((supervisor) => supervisor.kill());
      first = now;
      process.stdout.write(`\n${why}: stopping in reverse order (again to force)\n`);
      controller.abort();
      void stopAll().then(resolve);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
    process.on('disconnect', () => stop('the bootstrap is gone'));
    process.channel?.unref();
  });
  return { stopped, stopping: controller.signal };
}

const apiOf = ({ ports }: World): string => `http://127.0.0.1:${ports.PORT_BACKEND.port}`;

async function print(world: World, mongo: Choice, nats: Choice, opened: boolean, ms: number): Promise<void> {
  const api = apiOf(world);
  const rows = [
    ...(opened ? appRows(world.grafana) : [['app', 'not open', 'see above for the reason; everything else is up']]),
    ['backend', `${api}/admin/v1`, `OpenAPI at ${api}/admin/v1/openapi.json`],
    ...world.places.map(({ shard_id, kind, endpoint }) => [shard_id, endpoint, kind]),
    ['mongo', withoutPassword(mongo.url), mongo.chosen],
    ['nats', withoutPassword(nats.url), nats.chosen],
  ];
  const install = installText(world.grafana, await appSettings(world));
  process.stdout.write(`\nReady in ${(ms / 1000).toFixed(1)} s. Ctrl-C stops all.\n\n${table(rows)}\n${install}
  curl -H "Authorization: Bearer $(npm run -s token -- --email a@b.test --role operator)" ${api}/admin/v1/me\n\n`);
}

await runMain(main);
