/** What the engine counts about its jobs. */
import type { JobState } from '@cloudlysis/contract';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { JobDocument } from '../record/job-document.ts';

export type JobMetrics = ReturnType<typeof createJobMetrics>;

export function createJobMetrics(registry: Registry, runningNow: () => number) {
  const registers = [registry];
  const ended = new Counter({
    name: 'cp_jobs_ended_total',
    help: 'Runs of jobs that reached their end in this replica',
    labelNames: ['kind', 'state'],
    registers,
  });
  const duration = new Histogram({
    name: 'cp_job_duration_seconds',
    help: 'From submission to end',
    labelNames: ['kind'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300],
    registers,
  });
  new Gauge({ name: 'cp_jobs_running', help: 'Jobs that run in this replica now', registers, collect() { this.set(runningNow()); } }); // prettier-ignore
  return {
    takeovers: new Counter({
      name: 'cp_job_takeovers_total',
      help: 'Jobs taken over from a dead replica or an earlier boot',
      registers,
    }),
    fencesLost: new Counter({
      name: 'cp_job_fences_lost_total',
      help: 'Runs that stopped because someone else holds the job',
      registers,
    }),
    ended(job: JobDocument, state: JobState, now: Date): void {
      ended.inc({ kind: job.kind, state });
      duration.observe({ kind: job.kind }, (now.getTime() - job.created_at.getTime()) / 1000);
    },
  };
}
