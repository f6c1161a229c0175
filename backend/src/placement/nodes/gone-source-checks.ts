/** Pure: what a move without its source means. The source is dead, silent, somebody else or has lost its storage, and the operator says so. */
import type { Check, ServiceKind } from '@cloudlysis/contract';
import { checkOf } from '../../jobs/plan/checks.ts';
import { nodeCheck, storageCheck, type ShardSight } from './node-checks.ts';

const OFFER = 'If it is gone for now, say so (`source: gone`): then it is not waited for';

/** What a source must pass to be moved from as usual; where it does not, that there is another way. */
export function sourceChecks(source: ShardSight): Check[] {
  const [node, storage] = [nodeCheck('source', source), storageCheck('source', source)];
  if (node.status === 'block') return [{ ...node, detail: `${node.detail}. ${OFFER}` }, storage];
  if (storage.status !== 'block') return [node, storage];
  const values = { measured: 'serving', limit: 'serving', detail: `${storage.detail}. ${OFFER}` };
  return [node, storage, checkOf('source.choice', 'The source may be taken as gone', 'warn', values)];
}

/** Why the source cannot be moved from as usual; null when it can, and then it has to be. */
export function troubleOf(source: ShardSight): string | null {
  const blocked = [nodeCheck('source', source), storageCheck('source', source)].find(
    ({ status }) => status === 'block',
  );
  return blocked?.detail ?? null;
}

/** What cannot be drained or checked there, and what keeps it from doing harm, by kind. */
const RISKS: Readonly<Record<ServiceKind, string>> = {
  aggregate:
    'commands in flight there get no answer and may be told as failed though they are in the log; sent again under their ids ' +
    'they are carried out once. Should it only have been paused, the log refuses what it writes once another shard has ' +
    'written (expected last sequence), so nothing is lost or doubled',
  projection:
    'what was delivered there and not acknowledged is read again by the target, from the log; should it only have been ' +
    'paused, its save is refused (compare-and-swap), so no event is missing or counted twice. Queries it is asked meanwhile fail',
  runner:
    'its outbox is taken over as it was saved; an effect it had published is not published again, and should it only have ' +
    'been paused, its next one is refused (expected last sequence), so no effect is lost or doubled',
  gateway: 'a gateway serves every tenant and holds none',
};

export const riskOf = (kind: ServiceKind): string => RISKS[kind];

/** In place of the checks that a source must pass: it must not, and then its risks are told. */
export function goneChecks(source: ShardSight, kind: ServiceKind): Check[] {
  const { shard_id } = source.shard;
  const trouble = troubleOf(source);
  const title = 'The source is gone, as was said';
  if (trouble === null) {
    const detail = `${shard_id} answers and is well: without \`source: gone\` it is drained first, and nothing fails`;
    return [checkOf('source.gone', title, 'block', { measured: 'answers', limit: 'gone', detail })];
  }
  const again = `when ${shard_id} comes back it reads where its tenants live, and gives up those that moved`;
  return [
    checkOf('source.gone', title, 'pass', { measured: trouble, limit: 'gone', detail: trouble }),
    checkOf('source.undrained', 'What cannot be drained or checked at the source', 'warn', {
      measured: null,
      limit: 'drained, in flight 0',
      detail: `${shard_id} is not drained: ${riskOf(kind)}; ${again}`,
    }),
  ];
}
