// The parts of the benchmark, in the order they run and are reported; together about fifteen minutes.
import type { Part } from './figure.ts';

export const PARTS: readonly Part[] = [
  { name: 'job-time', title: 'A job of three steps', seconds: 140 },
  { name: 'job-rate', title: 'Many jobs at once, and peers', seconds: 200 },
  { name: 'waiting-jobs', title: 'Jobs that wait', seconds: 300 },
  { name: 'request-cpu', title: 'An authorised request', seconds: 60 },
  { name: 'token-check', title: 'A token', seconds: 20 },
  { name: 'permission-checks', title: 'Permission checks', seconds: 40 },
  { name: 'pages', title: 'Long lists', seconds: 270 },
  { name: 'many-tenants', title: 'Ten thousand tenants', seconds: 240 },
  { name: 'migration', title: 'Moving a tenant under load', seconds: 120 },
  { name: 'bundle', title: 'The plugin’s bundle', seconds: 90 },
  { name: 'app-speed', title: 'The pages in a browser', seconds: 180 },
  { name: 'memory', title: 'Memory of the backend', seconds: 300 },
];
