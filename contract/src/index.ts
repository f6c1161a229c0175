/** The contract between backend, plugin and automation: written once, everything else is derived. */
export * from './catalogue.ts';
export * from './text.ts';
export * from './wire.ts';
export * from './permissions.ts';
export * from './problems.ts';
export * from './operation.ts';
export * from './jobs.ts';
export * from './operations/audit.ts';
export * from './operations/identity.ts';
export * from './operations/jobs.ts';
export * from './operations/overview.ts';
export * from './operations/scale.ts';
export * from './operations/settings.ts';
export * from './operations/tenants.ts';
export * from './operations/tenants-bulk.ts';
export * from './client.ts';
export * from './openapi.ts';
