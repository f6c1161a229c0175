// npm run crash: kills a backend at every point of every kind of job, there and back, where `npm test` takes a sample.
import { close } from './checks/checks.ts';
import { jest } from './checks/jest.ts';
import { runMain } from './machine/refusal.ts';

process.env['CRASH_POINTS'] = 'all';
await runMain(async () =>
  close([await jest(['e2e/crash/', 'tenants/crashes', '--runInBand', ...process.argv.slice(2)])]),
);
