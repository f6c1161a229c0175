// npm run e2e: the browser journeys alone, against GRAFANA_URL, else against a platform and workbench of their own.
import { close } from './checks/checks.ts';
import { hasJourneys, runJourneys } from './checks/journeys.ts';
import { Refusal, runMain } from './machine/refusal.ts';

await runMain(async () => {
  if (!hasJourneys()) throw new Refusal('plugin/tests/journeys does not exist (yet).');
  close([await runJourneys(process.argv.slice(2))]);
});
