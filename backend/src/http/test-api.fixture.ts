// A whole API for tests: real server, real tokens, real permissions, real audit log; only the handlers are constants.
import { Writable } from 'node:stream';
import { createClient, type Assignment, type Client, type RoleName } from '@cloudlysis/contract';
import { Registry } from 'prom-client';
import { dropDatabase, freshDatabase } from '../../../testing/mongo.ts';
import { systemAmbient, type Ambient } from '../kernel/ambient.ts';
import { createBadRecords } from '../kernel/bad-records.ts';
import { createAudit, type Audit } from '../audit/index.ts';
import {
  createAuthenticator,
  PermissionTable,
  Revocations,
  type Authenticator,
  type IdentityConfig,
} from '../identity/index.ts';
import { startIssuer, type TestIssuer } from '../identity/tokens/issuer.fixture.ts';
import { connectMongo, type Mongo } from '../ports/mongo/mongo.ts';
import { constantMutations, constantReads } from './answers.fixture.ts';
import { createHttpApp, createHttpServer, createLogger, type HttpAppOptions, type HttpServer } from './index.ts';

export const PLUGIN_BEARER = 'plugin-bearer-for-tests';

export interface TestApi extends AsyncDisposable {
  readonly url: string;
  readonly issuer: TestIssuer;
  readonly audit: Audit;
  readonly mongo: Mongo;
  readonly metrics: Registry;
  readonly authenticator: Authenticator;
  readonly revocations: Revocations;
  readonly server: HttpServer;
  /** Lines of the log so far. */
  readonly log: () => string;
  /** A token of a development key, whose `role` claim counts. */
  token(role?: RoleName, claims?: Record<string, unknown>): Promise<string>;
  client(token: string): Client;
  fetch(path: string, init?: RequestInit & { token?: string }): Promise<Response>;
  /** Audit documents as stored, oldest first. */
  records(): Promise<Record<string, unknown>[]>;
}

export interface TestApiOptions extends Partial<HttpAppOptions> {
  readonly assignments?: readonly Assignment[];
  /** Shorter ones than the real. */
  readonly timeouts?: Parameters<typeof createHttpServer>[2];
  readonly identity?: Partial<IdentityConfig>;
}

export async function startTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const ambient: Ambient = options.ambient ?? systemAmbient();
  const database = freshDatabase();
  const [issuer, mongo] = await Promise.all([startIssuer(), connectMongo(database.uri, database.db)]);
  const mode = options.mode ?? 'development';
  const revocations = new Revocations(ambient);
  const authenticator = createAuthenticator(
    {
      MODE: mode,
      GATEWAY_ISSUER: issuer.url,
      GATEWAY_JWKS_URL: issuer.jwksUrl,
      GATEWAY_AUDIENCE: 'cloudlysis-control',
      GRAFANA_ORG_ID: 1,
      GRAFANA_ROLE_MAP: '',
      PLUGIN_BEARER,
      environments: [{ tier: 'dev' as const }],
      ...options.identity,
    },
    ambient,
    revocations,
  );
  const permissions = new PermissionTable([{ id: 'dev', tier: 'dev' }], options.assignments);
  const lines: string[] = [];
  const to = new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) });
  const metrics = new Registry();
  const audit = createAudit({ mongo, ambient, replicaId: 'test', environment: 'dev' });
  await audit.prepare();
  const app = createHttpApp({
    ambient,
    authenticate: authenticator.authenticate,
    permissions,
    environments: ['dev'],
    audit: audit.log,
    logger: createLogger('debug', to),
    metrics,
    badRecords: createBadRecords(ambient, createLogger('silent'), metrics),
    mode,
    ready: async () => ({ mongodb: { ok: true, detail: 'answered' } }),
    requestsPerSecond: 100_000,
    mutations: constantMutations(),
    reads: constantReads(permissions),
    ...options,
  });
  const server = createHttpServer(app, ambient, options.timeouts);
  const url = await server.listen(0, '127.0.0.1');
  const fetchApi: TestApi['fetch'] = (path, { token, ...init } = {}) => {
    const headers = new Headers(init.headers);
    if (token) headers.set('authorization', `Bearer ${token}`);
    return fetch(url + path, { ...init, headers });
  };
  return {
    url, issuer, audit, mongo, metrics, authenticator, revocations, server,
    log: () => lines.join(''),
    token: (role, claims = {}) => issuer.token({ email: 'op@example.test', role, ...claims }),
    client: (token) => createClient({ baseUrl: url, fetch, headers: () => ({ authorization: `Bearer ${token}` }) }),
    fetch: fetchApi,
    records: () => mongo.db.collection('audit_inbox').find().sort({ _id: 1 }).toArray(),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await dropDatabase(mongo.db.databaseName);
      await mongo.close();
      await issuer[Symbol.asyncDispose]();
    },
  }; // prettier-ignore
}
