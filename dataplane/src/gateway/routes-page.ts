// Where a gateway sends every tenant's commands and queries, page by page: what the control plane compares with its record.
import { Problem } from '../platform/problem.ts';
import type { Answer, Request } from '../node/http-server.ts';
import type { Node } from '../node/node.ts';

const MOST = 5000;

/** `after` is the last key of the page before, `<kind>.<tenant>`; `next` is null at the end. */
export function routesPage(node: Node, { query }: Request): Answer {
  const unknown = [...query.keys()].find((name) => name !== 'after' && name !== 'limit');
  if (unknown !== undefined) throw new Problem('request.invalid', `unknown parameter "${unknown.slice(0, 64)}"`);
  const limit = Number(query.get('limit') ?? MOST);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST)
    throw new Problem('request.invalid', `limit is 1..${MOST}`);
  const after = query.get('after') ?? '';
  const keys = [...node.placements.keys()].filter((key) => key > after).sort();
  const page = keys.slice(0, limit);
  const routes = page.map((key) => {
    const { shard, revision } = node.placements.get(key)!;
    const dot = key.indexOf('.');
    return { kind: key.slice(0, dot), tenant_id: key.slice(dot + 1), shard_id: shard, revision };
  });
  return { body: { routes, next: keys.length > limit ? page.at(-1)! : null } };
}
