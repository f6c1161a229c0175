/** Every feature of the app, in the order in which its first page is found: one line each. */
import type { Feature } from '../feature';
import { audit } from '../features/audit/feature';
import { jobs } from '../features/jobs/feature';
import { notes } from '../features/notes/feature';
import { overview } from '../features/overview/feature';
import { placement } from '../features/placement/feature';
import { settings } from '../features/settings/feature';
import { tenants } from '../features/tenants/feature';

export const features: readonly Feature[] = [overview, tenants, placement, notes, jobs, audit, settings];
