/** Who is calling and what they may do, kept as the store and the bus have it. */
import type { Logger } from 'pino';
import type { Ambient } from '../kernel/ambient.ts';
import type { CopyReport } from '../copies/index.ts';
import type { Mongo } from '../ports/mongo/mongo.ts';
import type { NatsPort } from '../ports/nats/index.ts';
import type { Config } from '../service-config.ts';
import type { Feature } from '../feature/feature.ts';
import { identityHandlers, type Self } from './identity.handlers.ts';
import { keyProbe } from './key-probes.ts';
import { createAssignmentStore } from './permissions/assignment-store.ts';
import { createLivePermissions } from './permissions/live-permissions.ts';
import type { Permissions } from './permissions/permissions.ts';
import { createAuthenticator, type Authenticator } from './tokens/authenticator.ts';
import { createLiveRevocations } from './tokens/live-revocations.ts';

export interface IdentityDeps {
  readonly mongo: Mongo;
  /** Where sessions are ended, in each environment: what is ended in one is refused, wherever its token has effect. */
  readonly ended: readonly {
    readonly mongo: Pick<Mongo, 'db'>;
    readonly board: NatsPort['revocations'];
    /** Null where there is one only. */
    readonly name: string | null;
  }[];
  /** The store's home. */
  readonly environment: string;
  readonly config: Config;
  /** Of the time that replicas share. */
  readonly ambient: Ambient;
  /** By whose clock tokens are judged. */
  readonly machine: Ambient;
  readonly logger: Logger;
}

export interface Identity extends Authenticator {
  readonly name: string;
  readonly permissions: Permissions;
  readonly copies: readonly CopyReport[];
  /** Where the keys come from that tokens are checked by. */
  readonly keys: Feature;
  readonly reads: ReturnType<typeof identityHandlers>;
  prepare(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @throws Error when a setting cannot be used */
export function createIdentity({
  mongo,
  ended,
  environment,
  config,
  ambient,
  machine,
  logger,
}: IdentityDeps): Identity {
  const { assignments: seed } = config;
  const environments = config.environments.map(({ id, tier }) => ({ id, tier }));
  const permissions = createLivePermissions({
    store: createAssignmentStore(mongo),
    ambient,
    logger,
    environments,
    seed,
  });
  const revoked = ended.map(({ mongo: own, board, name }) => createLiveRevocations({ mongo: own, board, name, ambient, machine, logger })); // prettier-ignore
  const revocations = {
    isRevoked: (ids: readonly string[]) => revoked.some((one) => one.revocations.isRevoked(ids)),
  };
  const self: Self = {
    environment,
    environments,
    version: config.version,
    git_sha: config.GIT_SHA ?? null,
    mode: config.MODE,
  };
  const authenticator = createAuthenticator(config, machine, revocations);
  return {
    ...authenticator,
    name: 'identity',
    permissions,
    keys: { name: 'keys', probes: () => authenticator.keySources.map(keyProbe) },
    copies: [permissions.copy, ...revoked.map(({ copy }) => copy)],
    reads: identityHandlers(permissions, self),
    async prepare() {
      await permissions.prepare();
      await Promise.all(revoked.map((one) => one.prepare()));
    },
    async start() {
      permissions.start();
      await Promise.all(revoked.map((one) => one.start()));
    },
    stop: async () => void (await Promise.all([permissions.stop(), ...revoked.map((one) => one.stop())])),
  };
}
