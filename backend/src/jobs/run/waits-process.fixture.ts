// A replica that knows the kinds that wait, as a process of its own, to be killed: MONGODB_URI, DB, NAME, CONTROL_KEY.
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { systemAmbient } from '../../kernel/ambient.ts';
import { createAudit } from '../../audit/index.ts';
import { parseControlKey } from '../../secrets/control-key.ts';
import { connectMongo } from '../../ports/mongo/mongo.ts';
import { createJobEngine } from '../index.ts';
import { everybodyMay } from '../engine/may-all.fixture.ts';
import { waitingKinds } from './waits.fixture.ts';

const { MONGODB_URI, DB, NAME, CONTROL_KEY } = process.env as Record<string, string>;
const mongo = await connectMongo(MONGODB_URI!, DB!);
const ambient = systemAmbient();
const audit = createAudit({ mongo, ambient, replicaId: NAME!, environment: 'dev' });
await audit.prepare();
const engine = createJobEngine({
  mongo, audit: audit.log, ambient, logger: pino(), metrics: new Registry(), replicaId: NAME!, leaseMs: 1_500, may: everybodyMay,
  controlKey: parseControlKey(CONTROL_KEY!),
}); // prettier-ignore
engine.define(Object.fromEntries(waitingKinds(mongo).map((kind) => [kind.kind, kind])));
await engine.prepare();
await engine.start();
process.on('SIGTERM', () => void engine.stop(2_000).then(() => process.exit(0)));
