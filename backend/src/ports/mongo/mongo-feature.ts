/** MongoDB as something that is looked at: its state, what stands in it that cannot be read, its connection. */
import type { BadRecord, BadRecords } from '../../kernel/bad-records.ts';
import { bareUrl } from '../../kernel/bare-url.ts';
import { grouped, plural, tenths } from '../../kernel/figures.ts';
import { figure, type Found, type Look } from '../../feature/attention.ts';
import type { Feature } from '../../feature/feature.ts';
import type { Probe } from '../../feature/probe.ts';
import type { Mongo } from './mongo.ts';

export interface MongoSight {
  readonly mongo: Pick<Mongo, 'ping' | 'examine'>;
  readonly config: { readonly MONGODB_URI: string; readonly MONGODB_DB: string };
}

export const mongoFeature = ({ mongo, config }: MongoSight) =>
  ({
    name: 'mongodb',
    attention: mongoLook(mongo),
    probes: () => [mongoProbe(mongo, `${bareUrl(config.MONGODB_URI)}/${config.MONGODB_DB}`)],
  }) satisfies Feature;

export const mongoLook =
  (mongo: Pick<Mongo, 'ping'>): Look =>
  async ({ ask }) => {
    const store = await ask('MongoDB', () => mongo.ping());
    const figures = [figure('round_trip', 'Round trip', store.ok ? tenths(store.value) : null, 'ms')];
    const how = store.ok
      ? { state: 'ok' as const, reason: `answers in ${tenths(store.value)} ms` }
      : { state: 'down' as const, reason: store.reason };
    return { services: [{ kind: 'mongodb', ...how, figures }] };
  };

/** Stored records that were met lately and cannot be read. */
export const unreadableLook =
  (badRecords: Pick<BadRecords, 'known'>): Look =>
  async () => ({ platform: unreadable(badRecords.known()) });

function unreadable(badRecords: readonly BadRecord[]): Found[] {
  const [first] = badRecords;
  if (!first) return [];
  const more = badRecords.length > 1 ? `; and ${badRecords.length - 1} more` : '';
  return [
    {
      id: 'records.unreadable',
      severity: 'warning',
      title: badRecords.length === 1 ? 'A stored record cannot be read' : `${grouped(badRecords.length)} stored records cannot be read`, // prettier-ignore
      detail: `${first.id} (${first.where}): ${first.reason}${more}. Lists leave them out`,
      since: null,
      resource: 'service:mongodb',
      action: null,
    },
  ];
}

const mongoProbe = (mongo: MongoSight['mongo'], target: string): Probe => ({
  id: 'mongodb',
  title: 'MongoDB',
  target,
  run: async () => {
    const ms = await mongo.ping();
    const { replicaSet, members, version } = await mongo.examine();
    const where = replicaSet === null ? 'sharded cluster' : `replica set ${replicaSet}, ${plural(members, 'member')}`;
    return `${version === null ? '' : `version ${version}, `}${where}; ping ${ms.toFixed(1)} ms, majority read and transaction work`;
  },
});
