/** The platform file: which environments there are, where each of them is, and what it looks like at its first start. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Assignment, EnvironmentId, Shard, TenantId, Tier } from '@cloudlysis/contract';
import { tierOf } from './kernel/tier.ts';
import { allowlist } from './ports/nodes/allowlist.ts';

/** One environment: a platform of its own, which shares nothing with another but this control plane. */
export interface EnvironmentSettings {
  readonly id: string;
  readonly tier: Tier;
  readonly natsUrl: string;
  /** Bearer of its nodes' admin endpoints. */
  readonly nodeToken: string | undefined;
  /** Where its nodes may live. */
  readonly outboundAllowlist: string;
  readonly placementSource: 'kv' | 'static';
  readonly placementFile: string | undefined;
  /** Its own Gateway: what that signs has effect in this environment alone. Null where it has none of its own. */
  readonly gateway: GatewaySettings | null;
  /** Seeded once, MongoDB is the record afterwards. */
  readonly shards: readonly z.infer<typeof Shard>[];
  readonly tenants: readonly string[];
}

export interface GatewaySettings {
  /** `iss` of its tokens. */
  readonly issuer: string;
  readonly jwksUrl: string;
  /** GATEWAY_AUDIENCE unless told. */
  readonly audience: string | undefined;
}

/** What the process's own environment says of one environment: all of it where there is one. */
export interface EnvironmentDefaults {
  readonly NATS_URL?: string | undefined;
  readonly NODE_ADMIN_TOKEN?: string | undefined;
  readonly OUTBOUND_ALLOWLIST: string;
  readonly PLACEMENT_SOURCE: 'kv' | 'static';
  readonly PLACEMENT_FILE?: string | undefined;
}

/** Of two with one name, one would be left out and nobody would know which. */
const eachOnce =
  <T>(nameOf: (one: T) => string) =>
  (all: readonly T[], context: z.core.$RefinementCtx<T[]>): void => {
    const seen = new Set<string>();
    for (const [at, name] of all.map(nameOf).entries()) {
      if (seen.has(name)) context.addIssue({ code: 'custom', path: [at], message: `${name} is named twice` });
      seen.add(name);
    }
  };

/** What is wrong with it is told at the start, and not at the first call. */
export function listed(list: string, context: z.core.$RefinementCtx<string>): void {
  try {
    allowlist(list);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
  }
}

const Text = z.string().min(1);

/** What a platform begins with. */
const Beginning = {
  shards: z
    .array(Shard)
    .superRefine(eachOnce(({ shard_id }) => shard_id))
    .default([]),
  tenants: z
    .array(TenantId)
    .superRefine(eachOnce((id) => id))
    .default([]),
};

const Entry = z.strictObject({
  id: EnvironmentId,
  tier: Tier,
  nats_url: Text.optional(),
  /** A file with the address, where there are a user and a password in it. */
  nats_url_file: Text.optional(),
  node_token: Text.optional(),
  node_token_file: Text.optional(),
  outbound_allowlist: z.string().superRefine(listed).optional(),
  placement_source: z.enum(['kv', 'static']).optional(),
  placement_file: Text.optional(),
  gateway: z.strictObject({ issuer: Text, jwks_url: z.url(), audience: Text.optional() }).optional(),
  ...Beginning,
});
type Entry = z.infer<typeof Entry>;

const Several = z.strictObject({
  environments: z
    .array(Entry)
    .min(1)
    .max(20)
    .superRefine(eachOnce(({ id }) => id))
    // Of two with one issuer nobody could say where a token has effect.
    .superRefine(eachOnce(({ id, gateway }) => gateway?.issuer ?? id)),
  assignments: z.array(Assignment).default([]),
});

/** One environment, described by itself: its connections are what the process's own environment says. */
const Single = z.object({
  environment: EnvironmentId.default('dev'),
  tier: Tier.optional(),
  ...Beginning,
  assignments: z.array(Assignment).default([]),
});

export interface Platform {
  readonly environments: readonly EnvironmentSettings[];
  /** Roles from the beginning. */
  readonly assignments: readonly z.infer<typeof Assignment>[];
}

/** @throws Error that lists what is wrong in the file, or missing beside it */
export function readPlatform(file: string | undefined, defaults: EnvironmentDefaults): Platform {
  const given: unknown = file ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const hasSeveral = typeof given === 'object' && given !== null && 'environments' in given;
  if (!hasSeveral) {
    const { environment: id, tier, shards, tenants, assignments } = parsed(Single, given, file);
    // One that nobody knows is as strict as production.
    const entry = { id, tier: tier ?? tierOf(id) ?? 'prod', shards, tenants };
    return { environments: [settingsOf(entry, defaults)], assignments };
  }
  const { environments, assignments } = parsed(Several, given, file);
  const without = environments.filter((one) => one.nats_url === undefined && one.nats_url_file === undefined);
  if (without.length > 1)
    throw new Error(
      `${file}:\n✖ ${without.map(({ id }) => id).join(', ')}: NATS_URL is of one environment; give the others nats_url`,
    );
  return { environments: environments.map((one) => settingsOf(one, defaults)), assignments };
}

function parsed<T>(schema: z.ZodType<T>, given: unknown, file: string | undefined): T {
  const result = schema.safeParse(given);
  if (!result.success) throw new Error(`${file}:\n${z.prettifyError(result.error)}`);
  return result.data;
}

/** What an entry does not say is what the process's environment says, for the one that takes NATS_URL; nothing for others. */
function settingsOf(
  entry: Pick<Entry, 'id' | 'tier' | 'shards' | 'tenants'> & Partial<Entry>,
  defaults: EnvironmentDefaults,
): EnvironmentSettings {
  const { id, tier, gateway, shards, tenants } = entry;
  const ownNats = secretOf(id, 'nats_url', entry.nats_url, entry.nats_url_file);
  const rest: EnvironmentDefaults =
    ownNats === undefined ? defaults : { OUTBOUND_ALLOWLIST: '', PLACEMENT_SOURCE: 'kv' };
  const natsUrl = ownNats ?? defaults.NATS_URL;
  if (natsUrl === undefined) throw new Error(`Configuration:\n✖ NATS_URL is missing: ${id} has no nats_url of its own`);
  const placementSource = entry.placement_source ?? rest.PLACEMENT_SOURCE;
  const placementFile = entry.placement_file ?? rest.PLACEMENT_FILE;
  if (placementSource === 'static' && placementFile === undefined)
    throw new Error('Configuration:\n✖ PLACEMENT_SOURCE=static needs PLACEMENT_FILE');
  return {
    id,
    tier,
    natsUrl,
    nodeToken: secretOf(id, 'node_token', entry.node_token, entry.node_token_file) ?? rest.NODE_ADMIN_TOKEN,
    outboundAllowlist: entry.outbound_allowlist ?? rest.OUTBOUND_ALLOWLIST,
    placementSource,
    placementFile,
    gateway: gateway ? { issuer: gateway.issuer, jwksUrl: gateway.jwks_url, audience: gateway.audience } : null,
    shards,
    tenants,
  };
}

function secretOf(id: string, name: string, value: string | undefined, file: string | undefined): string | undefined {
  if (file === undefined) return value;
  if (value !== undefined) throw new Error(`Configuration:\n✖ ${id}: ${name} and ${name}_file are both given`);
  return readFileSync(file, 'utf8').trim();
}
