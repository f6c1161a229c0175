/** `scale.migrate`: move a live tenant — drain, converge, place, reload, ready — and prove that nothing was lost or doubled. */
import { tenantFigures, touched } from '../../jobs/define/blast-radius.ts';
import type { InputOf } from '../../call/call.ts';
import { defineJob } from '../../jobs/define/define-job.ts';
import type { JobDefinition } from '../../jobs/define/definition.ts';
import type { PlacementDeps } from './placement-deps.ts';
import { drainIntent, migrateSteps, type PlannedMove } from './migrate.steps.ts';
import { verifyMove } from './migrate.proof.ts';
import { surveyMove } from './move-survey.ts';
import { decideMigration, limitsOf, type MoveSight } from './move-decision.ts';
import { tenantOn } from '../../ports/nodes/index.ts';

type Input = InputOf<'scale.migrate'>;

export function migrateJob(deps: PlacementDeps): JobDefinition<Input, PlannedMove> {
  const { drain, all } = migrateSteps(deps);
  return defineJob('scale.migrate', {
    lane: (input) => `tenant:${input.tenant_id}`,
    tenantId: (input) => input.tenant_id,
    resource: (input) => `tenant:${input.tenant_id}`,
    async plan(input, caller) {
      // Only somebody who will read the figure is worth the second it takes.
      const [sight, traffic] = await Promise.all([
        surveyMove(deps, input, caller),
        deps.traffic.measure(input.tenant_id, caller.principal !== null),
      ]);
      const { checks, diff } = decideMigration(sight, limitsOf(input));
      return {
        checks,
        diff,
        blastRadius: blastOf(sight, traffic),
        rollback: rollbackOf(sight),
        decision: { from: sight.placement.shard_id },
        world: {
          placement: sight.placement,
          source: sight.source.shard.endpoint,
          target: sight.target.shard.endpoint,
          // Somebody who was shown a drain has not agreed to a move without one.
          ...(sight.sourceGone ? { gone: true } : {}),
        },
      };
    },
    steps: all,
    verify: (context) => verifyMove(deps, drainIntent(context, drain), context),
    /** A drain is of a tenant on a shard: with the move it has lost its object. */
    commit: (context, session) =>
      deps.drains.forget(drainIntent(context, drain).from, context.input.tenant_id, session),
    undo(input, context) {
      const intent = context.intentOf(drain);
      if (!intent) return null;
      const reason = `Undo of ${context.jobId}`;
      // The way back starts at a node that serves.
      const { source: _source, ...body } = input;
      return { operation: 'scale.migrate', params: {}, body: { ...body, to: intent.from, reason } };
    },
  });
}

function rollbackOf({ sourceGone, placement: { shard_id } }: MoveSight): string {
  const back = `the tenant is placed back on ${shard_id} under a higher revision`;
  return sourceGone
    ? `A failure or a cancel after the placement was updated: ${back}, where it is served once that node is there again. ` +
        `Once finished, the reverse migration undoes it when ${shard_id} answers.`
    : `Until the placement is updated, a failure or a cancel resumes ${shard_id}; after it ${back}. ` +
        'Once finished, the reverse migration undoes it.';
}

type Measured = Awaited<ReturnType<PlacementDeps['traffic']['measure']>>;

function blastOf({ tenantId, source, consumers, busProblem }: MoveSight, traffic: Measured) {
  const lags = consumers.flatMap(({ lag }) => (lag === null ? [] : [lag]));
  const inFlight = source.state ? (tenantOn(source.state, tenantId)?.in_flight ?? 0) : null;
  const lag = busProblem === null && lags.length ? Math.max(...lags) : null;
  return touched('tenant', [tenantId], tenantFigures(traffic, inFlight, lag));
}
