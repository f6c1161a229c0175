// A replica of one release as a process of its own, to be killed: MONGODB_URI, DB, RELEASE, CONTROL_KEY.
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { systemAmbient } from '../../kernel/ambient.ts';
import { createAudit } from '../../audit/index.ts';
import { parseControlKey } from '../../secrets/control-key.ts';
import { connectMongo } from '../../ports/mongo/mongo.ts';
import { createJobEngine } from '../index.ts';
import { release, type Release } from './releases.fixture.ts';
import { everybodyMay } from './may-all.fixture.ts';

const { MONGODB_URI, DB, RELEASE, CONTROL_KEY } = process.env as Record<string, string>;
const mongo = await connectMongo(MONGODB_URI!, DB!);
const ambient = systemAmbient();
const audit = createAudit({ mongo, ambient, replicaId: RELEASE!, environment: 'dev' });
await audit.prepare();
const engine = createJobEngine({ may: everybodyMay,
  mongo, audit: audit.log, ambient, logger: pino(), metrics: new Registry(), replicaId: RELEASE!, leaseMs: 1_500,
  controlKey: parseControlKey(CONTROL_KEY!),
}); // prettier-ignore
engine.define({ 'tenants.update': release(mongo, RELEASE as Release) });
await engine.prepare();
await engine.start();
process.on('SIGTERM', () => void engine.stop(2_000).then(() => process.exit(0)));
