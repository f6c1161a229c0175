/** The log: JSON lines, with everything that could be a secret taken out by path. */
import { destination, pino, type DestinationStream, type Logger } from 'pino';

const SECRET_FIELDS = ['authorization', 'cookie', 'password', 'secret', 'token', 'bearer', 'api_key', 'private_key'];
const REDACTED = [
  ...SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
  'headers["x-grafana-id"]',
  '*.headers["x-grafana-id"]',
  'err.config',
  'err.cause.config',
];

export function createLogger(level: string, to: DestinationStream = destination({ dest: 1, sync: false })): Logger {
  return pino({ level, base: null, redact: { paths: REDACTED, censor: '[redacted]' } }, to);
}
