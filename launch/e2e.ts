// npm run e2e: the browser journeys alone, against GRAFANA_URL, else against a platform and workbench of their own.
import { close } from './checks.ts';
import { hasJourneys, runJourneys } from './journeys.ts';
import { Refusal, runMain } from './refusal.ts';

await runMain(async () => {
  if (!hasJourneys()) throw new Refusal('plugin/tests/journeys does not exist (yet).');
  close([await runJourneys(process.argv.slice(2))]);
});
