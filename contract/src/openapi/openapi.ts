/** OpenAPI 3.1 from the operation values: nothing is said here that the contract does not say. */
import { z } from 'zod';
import { mutations, reads } from '../catalogue.ts';
import { API_PREFIX } from '../client/routes.ts';
import { EXAMPLES } from './openapi-examples.ts';
import { namedSchemas } from './openapi-schemas.ts';
import { MAX_BODY, type Operation, type ScopeRule } from '../operation.ts';
import { PROBLEMS, type ProblemCode } from '../problem.ts';

export { EXAMPLES };

type Json = Record<string, unknown>;

/** Every operation: reads, then submit and preflight of each mutation. */
export const allOperations = (): readonly Operation[] => [
  ...Object.values(reads),
  ...Object.values(mutations).flatMap(({ submit, preflight }) => [submit, preflight]),
];

const TAGS: Readonly<Record<string, string>> = {
  identity: 'Who is calling',
  overview: 'The platform at a glance',
  tenants: 'Tenants: lifecycle, status and metadata',
  scale: 'Shards, placements, drift, and moving live tenants',
  jobs: 'Jobs: follow, cancel and retry what was submitted',
  audit: 'The append-only audit log',
  settings: 'How the control plane itself is set up',
};

const DESCRIPTION = `Control plane of a multi-tenant event-sourced platform.

Every change is a job and has two calls: \`…/preflight\` shows what would happen, the other does it and answers with a
\`job_id\`. Send an \`Idempotency-Key\` with a change; the same key and body are the same job however often they are sent.
Refusals are \`application/problem+json\` (RFC 9457) with a stable \`code\`.`;

export function openApi(): Json {
  const operations = allOperations();
  const schemas = namedSchemas(operations);
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = API_PREFIX + operation.path.replace(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[operation.method.toLowerCase()] = operationObject(operation, schemas.refOf);
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Cloudlysis Control',
      version: '1.0.0',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This control plane' }],
    security: [{ gateway_token: [] }, { plugin_bearer: [], grafana_id: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: schemas.components,
      responses: generalResponses(),
      headers: RESPONSE_HEADERS,
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

const SECURITY_SCHEMES = {
  gateway_token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Token issued by the Gateway' },
  plugin_bearer: { type: 'http', scheme: 'bearer', description: 'Static bearer that Grafana’s plugin proxy adds' },
  grafana_id: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Grafana-Id',
    description: 'Grafana ID token of the operator, added by Grafana’s plugin proxy beside the bearer',
  },
};

const text = (description: string) => ({ description, schema: { type: 'string' } });
const RESPONSE_HEADERS = {
  'X-Request-Id': text('Request id, to be found again in the log and the audit records'),
  'Control-Time': text('The time by which jobs and records are stamped, as it was when the request came'),
  Location: text('Where the job is'),
  'Preference-Applied': text('The wait that was granted'),
};

function operationObject(operation: Operation, refOf: (schema: z.ZodType) => Json): Json {
  const role = operation.mutation?.role;
  const example = EXAMPLES[operation.id];
  return {
    operationId: operation.id,
    tags: [operation.id.split('.')[0]],
    summary: operation.summary,
    description: describe(operation),
    ...(operation.permission === 'public' ? { security: [] } : {}),
    parameters: parametersOf(operation),
    ...(role
      ? {
          requestBody: {
            description: `At most ${(operation.maxBody ?? MAX_BODY) / 1024} KiB`,
            required: true,
            content: jsonContent(refOf(operation.body), example?.request),
          },
        }
      : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(operation.answers).map(([status, schema]) => [
          status,
          answerObject(operation, Number(status), refOf(schema), example?.answers?.[Number(status)]),
        ]),
      ),
      ...problemResponses(operation),
    },
  };
}

const WHERE: Readonly<Record<ScopeRule, string>> = {
  platform: 'globally',
  environment: 'in the environment',
  tenant: 'in the environment, or on the tenant there',
  filtered: 'in any scope of the environment',
};

function describe({ permission, scope, mutation, stepUp, concurrency }: Operation): string {
  const where = WHERE[scope];
  const needs = permission.includes('.') ? `Needs \`${permission}\` ${where}.` : `Open to: ${permission}.`;
  const risk = mutation?.role === 'submit' && mutation.risk === 'high' ? ' High risk: quote `Plan-Hash`.' : '';
  const factor = stepUp === undefined ? '' : ` Needs a second factor at most ${stepUp} s old.`;
  const most = concurrency
    ? ` At most ${concurrency.per_principal} at once per principal and ${concurrency.total} in all` +
      `${concurrency.wait_s > 0 ? `; more wait up to ${concurrency.wait_s} s` : ''}.`
    : '';
  return needs + risk + factor + most;
}

function parametersOf(operation: Operation): Json[] {
  const inPath = Object.entries(operation.params.shape).map(([name, schema]) =>
    parameter('path', name, schema as z.ZodType),
  );
  const inQuery = Object.entries(operation.query.shape).map(([name, schema]) =>
    parameter('query', name, schema as z.ZodType),
  );
  const submits = operation.mutation?.role === 'submit';
  return [...inPath, ...inQuery, ...(submits ? submitParameters(operation.mutation?.risk === 'high') : [])];
}

function parameter(where: 'path' | 'query', name: string, schema: z.ZodType): Json {
  // A parameter is written out: whoever builds a request by hand reads it where it stands.
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', metadata: z.registry() }) as Json;
  const required = where === 'path' || !schema.safeParse(undefined).success;
  return { name, in: where, required, description: descriptionOf(schema), schema: rest };
}

const descriptionOf = (schema: z.ZodType): string | undefined =>
  schema.description ??
  (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? descriptionOf(schema.unwrap() as z.ZodType)
    : undefined);

const submitParameters = (planRequired: boolean): Json[] => [
  {
    name: 'Idempotency-Key',
    in: 'header',
    required: true,
    description: 'Makes every try of the same change one job: 1 to 200 printable characters',
    schema: { type: 'string', minLength: 1, maxLength: 200 },
  },
  {
    name: 'Plan-Hash',
    in: 'header',
    required: planRequired,
    description: '`hash` of the plan that was shown; refused when the world has moved since',
    schema: { type: 'string', minLength: 1, maxLength: 200 },
  },
  {
    name: 'Prefer',
    in: 'header',
    required: false,
    description: '`wait=N`: answer when the job has ended, or after N seconds, at most 60',
    schema: { type: 'string', examples: ['wait=30'] },
  },
];

const jsonContent = (schema: Json, example?: unknown): Json => ({
  'application/json': { schema, ...(example === undefined ? {} : { example }) },
});

function answerObject({ streams, mutation }: Operation, status: number, schema: Json, example: unknown): Json {
  const headers = [
    'X-Request-Id',
    'Control-Time',
    ...(mutation?.role === 'submit' ? ['Location', 'Preference-Applied'] : []),
  ];
  const streamed = streams && Object.fromEntries(streams.map((type) => [type, { schema: STREAMED[type] ?? schema }]));
  return {
    description:
      status === 202 ? 'Accepted: the job will run' : mutation?.role === 'submit' ? 'The job has ended' : 'OK',
    headers: Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    content: streamed ?? jsonContent(schema, example),
  };
}

const STREAMED: Readonly<Record<string, Json>> = {
  'text/event-stream': { type: 'string', description: 'Events named `job`, each with a Job as its data' },
  'application/x-ndjson': { type: 'string', description: 'One AuditRecord per line' },
  'text/csv': { type: 'string', description: 'A header line, then one record per line' },
};

/** What any operation may answer, besides what it declares. */
const GENERAL: readonly ProblemCode[] = [
  'request.malformed', 'request.invalid', 'token.missing', 'token.invalid', 'token.expired', 'permission.missing',
  'rate.limited', 'internal', 'request.deadline', 'record.unreadable', 'store.unavailable', 'service.stopping',
]; // prettier-ignore
const WITH_BODY: readonly ProblemCode[] = ['request.too_large', 'request.media_type'];

function problemResponses(operation: Operation): Json {
  const own = new Set<ProblemCode>([
    ...GENERAL,
    ...(operation.mutation ? WITH_BODY : []),
    ...(operation.stepUp === undefined ? [] : (['step_up.required'] as const)),
    ...(operation.concurrency === undefined ? [] : (['concurrency.limited'] as const)),
    ...operation.problems,
  ]);
  const responses = byStatus([...own]).map(([status, codes]) => {
    const general = codes.every((code) => GENERAL.includes(code) || WITH_BODY.includes(code));
    return [status, general ? { $ref: `#/components/responses/problem.${status}` } : problemResponse(codes)];
  });
  return Object.fromEntries(responses);
}

const byStatus = (codes: readonly ProblemCode[]): [string, ProblemCode[]][] =>
  Object.entries(Object.groupBy(codes, (code) => PROBLEMS[code].status)).map(([status, of = []]) => [status, of]);

const problemResponse = (codes: readonly ProblemCode[]): Json => ({
  description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join('; '),
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemDocument' } } },
});

const generalResponses = (): Json =>
  Object.fromEntries(
    byStatus([...GENERAL, ...WITH_BODY]).map(([status, codes]) => [`problem.${status}`, problemResponse(codes)]),
  );

/** Two-space JSON with a final newline: what is committed as docs/openapi.json. */
export const openApiText = (): string => `${JSON.stringify(openApi(), null, 2)}\n`;
