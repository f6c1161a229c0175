/** The time range of the address, which is Grafana's, as the service wants it. Pure but for "now", which is the control plane's. */
import { dateMath, dateTime, isDateTime } from '@grafana/data';
import { serverTime } from '../api/server-clock';

/** A relative range moves on; at whole minutes, so that the same page is not another question every second. */
const STEP_MS = 60_000;

function instant(text: string | null, roundUp: boolean): string | undefined {
  if (text === null || text === 'now') {
    return undefined;
  }
  // By the browser's own "now" the last hour of one that is two hours ahead would be empty.
  const at = text.startsWith('now')
    ? dateMath.parseDateMath(text.slice('now'.length), dateTime(serverTime()), roundUp)
    : dateMath.toDateTime(/^\d+$/.test(text) ? new Date(Number(text)) : text, { roundUp });
  if (!isDateTime(at) || !at.isValid()) {
    return undefined;
  }
  return new Date(text.startsWith('now') ? Math.floor(at.valueOf() / STEP_MS) * STEP_MS : at.valueOf()).toISOString();
}

/** `from` and `to` as ISO instants, each only where the address bounds it. */
export function recordTimes(params: URLSearchParams): Record<string, string> {
  const [from, to] = [instant(params.get('from'), false), instant(params.get('to'), true)];
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}
