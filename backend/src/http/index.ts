/** HTTP: the contract's operations served by Koa. */
export { createHttpApp, type HttpApp, type HttpAppOptions } from './app.ts';
export { mutationRoutes, type Route } from './bind.ts';
export { createHttpServer, type HttpServer } from './server.ts';
export { createLogger } from './service-log.ts';
export { anonymousRows, authorizationMatrix, type MatrixRow } from './authorization-matrix.ts';
export type { DependencyState, Readiness } from './probes.ts';
