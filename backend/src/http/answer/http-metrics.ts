/** What the control plane counts about its own API; labels come from closed sets only (operation id, status class). */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface HttpMetrics {
  observe(operation: string, status: number, milliseconds: number): void;
  began(): void;
  ended(): void;
  answerViolation(operation: string): void;
  /** Refusals that have no audit record: `flood` of one address, or the log could not be written. */
  refusalUnrecorded(cause: 'flood' | 'audit_unavailable'): void;
}

export function createHttpMetrics(registry: Registry): HttpMetrics {
  const registers = [registry];
  const duration = new Histogram({
    name: 'cp_http_request_duration_seconds',
    help: 'Duration of API requests, to the first byte where the answer is streamed',
    labelNames: ['operation', 'status_class'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  let inFlight = 0;
  new Gauge({
    name: 'cp_http_requests_in_flight',
    help: 'API requests being served',
    registers,
    collect() {
      this.set(inFlight);
    },
  });
  const violations = new Counter({
    name: 'cp_answer_violations_total',
    help: 'Answers of ours that did not fit the contract',
    labelNames: ['operation'],
    registers,
  });
  const unrecorded = new Counter({
    name: 'cp_refusals_unrecorded_total',
    help: 'Refusals given without an audit record',
    labelNames: ['cause'],
    registers,
  });
  // Bound once per pair: looking a child up by its labels costs more than observing it.
  const children = new Map<string, ReturnType<typeof duration.labels>[]>();
  return {
    observe: (operation, status, milliseconds) => {
      const statusClass = Math.floor(status / 100);
      let byClass = children.get(operation);
      if (!byClass) children.set(operation, (byClass = []));
      (byClass[statusClass] ??= duration.labels(operation, `${statusClass}xx`)).observe(milliseconds / 1000);
    },
    began: () => void inFlight++,
    ended: () => void inFlight--,
    answerViolation: (operation) => violations.inc({ operation }),
    refusalUnrecorded: (cause) => unrecorded.inc({ cause }),
  };
}
