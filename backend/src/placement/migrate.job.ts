/** `scale.migrate`: move a live tenant — drain, converge, place, reload, ready — and prove that nothing was lost or doubled. */
import type { InputOf } from '../call.ts';
import type { JobDefinition } from '../jobs/definition.ts';
import type { PlacementDeps } from './deps.ts';
import { migrateSteps, type DrainIntent } from './migrate.steps.ts';
import { verifyMove } from './migrate.proof.ts';
import { surveyMove } from './move-survey.ts';
import { decideMigration, limitsOf, tenantOn, type MoveSight } from './placement.ts';

type Input = InputOf<'scale.migrate'>;

export function migrateJob(deps: PlacementDeps): JobDefinition<Input> {
  return {
    kind: 'scale.migrate',
    risk: 'high',
    permission: 'scale.migrate',
    lane: (input) => `tenant:${input.tenant_id}`,
    tenantId: (input) => input.tenant_id,
    resource: (input) => `tenant:${input.tenant_id}`,
    async plan(input, caller) {
      // Only somebody who will read the figure is worth the second it takes.
      const [sight, traffic] = await Promise.all([
        surveyMove(deps, input, caller.jobId),
        deps.traffic.measure(input.tenant_id, caller.principal !== null),
      ]);
      const { checks, diff } = decideMigration(sight, limitsOf(input));
      const { shard_id } = sight.placement;
      return {
        checks,
        diff,
        blastRadius: blastOf(sight, traffic),
        rollback:
          `Until the placement is updated, a failure or a cancel resumes ${shard_id}; after it the tenant is placed back on ` +
          `${shard_id} under a higher revision. Once finished, the reverse migration undoes it.`,
        world: { placement: sight.placement, source: sight.source.shard.endpoint, target: sight.target.shard.endpoint },
      };
    },
    steps: migrateSteps(deps),
    verify: (context) => verifyMove(deps, context),
    undo(input, context) {
      const intent = context.intentOf<DrainIntent>('drain');
      if (!intent) return null;
      const reason = `Undo of ${context.jobId}`;
      return { operation: 'scale.migrate', params: {}, body: { ...input, to: intent.from, reason } };
    },
  };
}

type Measured = Awaited<ReturnType<PlacementDeps['traffic']['measure']>>;

function blastOf({ tenantId, source, consumers, busProblem }: MoveSight, traffic: Measured) {
  const lags = consumers.flatMap(({ lag }) => (lag === null ? [] : [lag]));
  return {
    tenants: [tenantId],
    tenant_count: 1,
    in_flight: source.state ? (tenantOn(source.state, tenantId)?.in_flight ?? 0) : null,
    consumer_lag: busProblem === null && lags.length ? Math.max(...lags) : null,
    requests_per_second: traffic.perSecond,
    traffic_share: traffic.share,
  };
}
