/** The closed lists of words that both sides speak. Without zod: a page that offers a choice does not load the schemas. */

export const SERVICE_KINDS = ['aggregate', 'projection', 'runner', 'gateway'] as const;
type ServiceKind = (typeof SERVICE_KINDS)[number];

/** The kinds a tenant must be placed on to be served; the gateway is optional (SCL-02). */
export const PLACED_KINDS = ['aggregate', 'projection', 'runner'] as const satisfies readonly ServiceKind[];

export const ENVIRONMENTS = ['local', 'preview', 'staging', 'prod', 'dev'] as const;

/** What an environment is for; each has one (CON-02). */
export const TIERS = ['dev', 'staging', 'prod'] as const;

export const TENANT_STATES = [
  'provisioning',
  'active',
  'draining',
  'migrating',
  'degraded',
  'suspended',
  'archived',
] as const;

export const TENANT_PLANS = ['free', 'pro', 'enterprise'] as const;

export const JOB_STATES = [
  'queued',
  'running',
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
  'compensated',
] as const;
type JobState = (typeof JOB_STATES)[number];

export const FINAL_STATES = ['succeeded', 'failed', 'cancelled', 'compensated'] as const satisfies readonly JobState[];

export const isFinal = ({ state }: { readonly state: JobState }): boolean =>
  (FINAL_STATES as readonly JobState[]).includes(state);

export const OUTCOMES = ['requested', 'succeeded', 'failed', 'refused', 'cancelled', 'compensated'] as const;

export const VERDICTS = ['proceed', 'refuse'] as const;

export const EXPORT_FORMATS = ['jsonl', 'csv', 'cloudevents'] as const;
