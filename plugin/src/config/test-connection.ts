/** Asks the service the whole way, through Grafana's proxy: does it answer, is it ready, does it know who asks? */
import { control } from '../api/control';
import { faultOf } from '../api/fault';
import { PROXY, proxyFetch } from '../api/transport';

export interface Finding {
  readonly ok: boolean;
  readonly title: string;
  readonly detail: string;
}

export async function testConnection(): Promise<Finding[]> {
  return [await readiness(), await identity()];
}

async function readiness(): Promise<Finding> {
  try {
    const response = await proxyFetch(`${PROXY}/readyz`);
    const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
    if (response.ok) {
      return { ok: true, title: 'The service is ready', detail: JSON.stringify(answer) };
    }
    const detail =
      response.status === 502
        ? 'Grafana cannot reach the address.'
        : `HTTP ${response.status}: ${JSON.stringify(answer)}`;
    return { ok: false, title: 'The service is not ready', detail };
  } catch (error) {
    const { detail } = faultOf(error);
    return { ok: false, title: 'The service does not answer', detail };
  }
}

async function identity(): Promise<Finding> {
  try {
    const { principal, assignments } = await control.read('identity.me');
    const roles = assignments.map(({ role }) => role).join(', ') || 'no role yet';
    return { ok: true, title: 'The service knows you', detail: `${principal.id}, ${roles}` };
  } catch (error) {
    const { title, detail, remedy } = faultOf(error);
    return { ok: false, title, detail: [detail, remedy].filter(Boolean).join(' ') };
  }
}
