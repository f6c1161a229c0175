/** NATS as what may need a person: how JetStream is, and streams that near their limits. */
import { percentToTenths, tenths } from '../../kernel/figures.ts';
import { figure, type Asked, type Found, type Look, type Service } from '../../feature/attention.ts';
import type { JetStreamAccount, NatsPort, StreamLimit } from './port/nats-port.ts';
import { nearLimits, shareOf, toldLimit } from './streams/near-limits.ts';

const STORAGE_LIMIT = 0.85;

interface Pulse {
  readonly roundTripMs: number;
  readonly account: JetStreamAccount;
}

export const natsLook =
  (nats: Pick<NatsPort, 'ping' | 'account' | 'limits'>): Look =>
  async ({ ask }) => {
    const bus = await ask('NATS', async () => {
      const [roundTripMs, account, limits] = await Promise.all([nats.ping(), nats.account(), nats.limits()]);
      return { roundTripMs, account, limits };
    });
    return { services: [jetstream(bus)], platform: bus.ok ? limitItems(bus.value.limits) : [] };
  };

/** Told from 80 % on: what stands on a full stream is refused, and raising a limit takes a person. */
export const limitItems = (limits: readonly StreamLimit[]): Found[] =>
  nearLimits(limits).map((one) => ({
    id: `limit:${one.stream}.${one.what}`,
    severity: shareOf(one) >= 1 ? 'critical' : 'warning',
    title: `${one.stream} ${shareOf(one) >= 1 ? 'is at' : 'nears'} its limit of ${one.what}`,
    detail: `${toldLimit(one)}; raise the limit of the stream, or of the account`,
    since: null,
    resource: `stream:${one.stream}`,
    action: null,
  }));

function jetstream(bus: Asked<Pulse>): Service {
  const account = bus.ok ? bus.value.account : null;
  const share = account?.limitBytes ? account.storedBytes / account.limitBytes : null;
  const figures = [
    figure('stored', 'Stored', account?.storedBytes ?? null, 'bytes'),
    figure('storage_used', 'Storage used', share === null ? null : Math.round(share * 1_000) / 1_000, 'ratio'),
    figure('streams', 'Streams', account?.streams ?? null, 'streams'),
    figure('consumers', 'Consumers', account?.consumers ?? null, 'consumers'),
    figure('round_trip', 'Round trip', bus.ok ? tenths(bus.value.roundTripMs) : null, 'ms'),
  ];
  const kind = 'jetstream';
  if (!bus.ok) return { kind, state: 'down', reason: bus.reason, figures };
  if (share !== null && share > STORAGE_LIMIT)
    return { kind, state: 'degraded', reason: `storage ${percentToTenths(share)} full > ${percentToTenths(STORAGE_LIMIT)}`, figures }; // prettier-ignore
  return { kind, state: 'ok', reason: `answers in ${tenths(bus.value.roundTripMs)} ms`, figures };
}
