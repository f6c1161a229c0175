// CLI of the conformance check: prints a table (or JSON) and exits 1 when a clause is broken.
import { parseArgs } from 'node:util';
import { checkNode, toTable } from './check-node.ts';

const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    token: { type: 'string' },
    nats: { type: 'string' },
    tenant: { type: 'string' },
    disrupt: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
if (!values.node || !URL.canParse(values.node)) {
  process.stderr.write('usage: conformance --node URL [--token T] [--nats URL] [--tenant T] [--disrupt] [--json]\n');
  process.exit(2);
}
const { node, token = process.env['NODE_ADMIN_TOKEN'], nats, tenant, disrupt, json } = values;
const results = await checkNode({
  node,
  ...(token ? { token } : {}),
  ...(nats ? { nats } : {}),
  ...(tenant ? { tenant } : {}),
  disrupt,
});
process.stdout.write(json ? `${JSON.stringify(results, null, 2)}\n` : `${toTable(results)}\n`);
process.exitCode = results.some(({ result }) => result === 'fail') ? 1 : 0;
