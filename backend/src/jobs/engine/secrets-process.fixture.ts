// A replica as a process of its own that runs jobs with secrets, to be killed: MONGODB_URI, DB, CONTROL_KEY.
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { systemAmbient } from '../../kernel/ambient.ts';
import { createAudit } from '../../audit/index.ts';
import { parseControlKey } from '../../secrets/control-key.ts';
import { connectMongo } from '../../ports/mongo/mongo.ts';
import { createJobEngine } from '../index.ts';
import { everybodyMay } from './may-all.fixture.ts';
import { KIND, rotate } from './secrets.fixture.ts';

const { MONGODB_URI, DB, CONTROL_KEY } = process.env as Record<string, string>;
const mongo = await connectMongo(MONGODB_URI!, DB!);
const ambient = systemAmbient();
const audit = createAudit({ mongo, ambient, replicaId: 'child', environment: 'dev' });
const engine = createJobEngine({
  may: everybodyMay,
  mongo,
  audit: audit.log,
  ambient,
  logger: pino(),
  metrics: new Registry(),
  replicaId: 'child',
  leaseMs: 1_500,
  controlKey: parseControlKey(CONTROL_KEY!),
});
engine.define({ [KIND]: rotate(mongo, 'child') as never });
await engine.prepare();
await engine.start();
