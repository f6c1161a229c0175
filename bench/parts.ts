// The parts of the benchmark, in the order they run and are reported; together about fifteen minutes.
import type { Part } from './figure.ts';

export const PARTS: readonly Part[] = [
  { folder: 'jobs', name: 'job-time', title: 'A job of three steps', seconds: 140 },
  { folder: 'jobs', name: 'job-rate', title: 'Many jobs at once, and peers', seconds: 200 },
  { folder: 'jobs', name: 'waiting-jobs', title: 'Jobs that wait', seconds: 300 },
  { folder: 'requests', name: 'request-cpu', title: 'An authorised request', seconds: 60 },
  { folder: 'requests', name: 'token-check', title: 'A token', seconds: 20 },
  { folder: 'requests', name: 'permission-checks', title: 'Permission checks', seconds: 40 },
  { folder: 'tenants', name: 'pages', title: 'Long lists', seconds: 270 },
  { folder: 'tenants', name: 'many-tenants', title: 'Ten thousand tenants', seconds: 240 },
  { folder: 'tenants', name: 'migration', title: 'Moving a tenant under load', seconds: 120 },
  { folder: 'app', name: 'bundle', title: 'The plugin’s bundle', seconds: 150 },
  { folder: 'app', name: 'app-speed', title: 'The pages in a browser', seconds: 180 },
  { folder: 'requests', name: 'memory', title: 'Memory of the backend', seconds: 300 },
];
