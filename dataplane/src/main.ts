// One entry for all four kinds of node: `node dataplane/src/main.ts <aggregate|projection|runner|gateway>`.
import { pino } from 'pino';
import { Aggregate } from './aggregate/aggregate.ts';
import { Gateway } from './gateway/gateway.ts';
import { Tokens } from './gateway/tokens.ts';
import { ConfigError, readConfig, type NodeConfig } from './node/config.ts';
import { adminRoutes } from './node/admin.ts';
import { Node, type Service } from './node/node.ts';
import { ambient } from './platform/ambient.ts';
import { Projection } from './projection/projection.ts';
import { Runner } from './runner/runner.ts';

async function createService(node: Node): Promise<Service> {
  switch (node.config.service) {
    case 'aggregate':
      return new Aggregate(node);
    case 'projection':
      return new Projection(node);
    case 'runner':
      return new Runner(node);
    case 'gateway': {
      const tokens = await Tokens.fromKeyFile(node.config.gatewayKeyFile!, node.config.gatewayIssuer).catch((err) => {
        throw new ConfigError(`GATEWAY_KEY_FILE: ${(err as Error).message}`);
      });
      return new Gateway(node, tokens);
    }
  }
}

async function run(config: NodeConfig): Promise<void> {
  const log = pino({ level: config.logLevel, base: { service: config.service, shard: config.shard } });
  const node = new Node(config, log, adminRoutes);
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    void ambient.sleep(10_000).then(() => process.exit(1));
    void node.stop().finally(() => process.exit(0));
  };
  const service = await createService(node);
  process.on('SIGTERM', stop).on('SIGINT', stop);
  await node.start(service);
}

try {
  await run(readConfig(process.argv[2], process.env));
} catch (err) {
  const known = err instanceof ConfigError || (err as NodeJS.ErrnoException).code === 'EADDRINUSE';
  process.stderr.write(`dataplane: ${known ? (err as Error).message : (err as Error).stack}\n`);
  process.exit(2);
}
