/** The contract between backend, plugin and automation: written once, everything else is derived. */
export * from './catalogue.ts';
export * from './client/routes.ts';
export * from './client/route-table.ts';
export * from './words.ts';
export * from './problem.ts';
export * from './secret-places.ts';
export * from './text.ts';
export * from './wire.ts';
export * from './permissions.ts';
export * from './problems.ts';
export * from './secret.ts';
export * from './operation.ts';
export * from './jobs.ts';
export * from './client/client.ts';
export * from './openapi/openapi.ts';
