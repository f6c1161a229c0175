/** HTTP: the contract's operations served by Koa. */
export { createHttpApp, type HttpApp, type HttpAppOptions } from './server/app.ts';
export { mutationRoutes, type Route } from './binder/bind.ts';
export { createHttpServer, type HttpServer } from './server/server.ts';
export { createLogger } from './server/service-log.ts';
export { anonymousRows, authorizationMatrix, type MatrixRow } from './binder/authorization-matrix.ts';
export { readiness } from './server/readiness.ts';
