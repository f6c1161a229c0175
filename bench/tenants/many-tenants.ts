// Past 500 tenants: what the consumers of 10 000 of them cost a real NATS, and what looking at its limits takes then.
import { connectNats } from '../../backend/src/ports/nats/index.ts';
import { startNats } from '../../testing/nats.ts';
import type { Section } from '../figure.ts';
import { residentMb } from '../process-cost.ts';
import { digits, spread, told } from '../spread.ts';

const TENANTS = 10_000;
const FIRST = 500;
/** Tenants made at once; the port asks of each consumer whether it is there, and makes it. */
const AT_ONCE = 8;
const LOOKS = 50;

export async function measure(): Promise<Section> {
  const server = await startNats({ durable: false });
  const port = await connectNats(server.url);
  try {
    await port.ensureStreams();
    const empty = residentMb(server.pid);
    const make = async (from: number, to: number): Promise<number> => {
      const began = performance.now();
      let next = from;
      const worker = async (): Promise<void> => {
        for (let n = next++; n < to; n = next++) await port.ensureConsumers(`tenant-${n}`);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      return (performance.now() - began) / 1000;
    };
    const first = await make(0, FIRST);
    const rest = await make(FIRST, TENANTS);
    const full = residentMb(server.pid);
    const looks: number[] = [];
    for (let look = 0; look < LOOKS; look++) {
      const began = performance.now();
      await port.limits();
      looks.push(performance.now() - began);
    }
    const { consumers } = await port.account();
    if (consumers < 2 * TENANTS) throw new Error(`only ${consumers} consumers are there`);
    return {
      title: 'Ten thousand tenants',
      how: `The two durable consumers of each of ${digits(TENANTS)} tenants made through the control plane's port on a real NATS that does not sync each write, ${AT_ONCE} tenants at once. A stream that is not told otherwise ends at 500 tenants.`,
      figures: [
        {
          name: `consumers of tenants ${FIRST + 1} to ${digits(TENANTS)}`,
          measured: `${digits(rest)} s: ${digits((2 * (TENANTS - FIRST)) / rest)} consumers/s`,
          beside: `${digits((2 * FIRST) / first)} consumers/s for the first ${FIRST} tenants`,
          met: null,
        },
        {
          name: 'memory of NATS',
          measured: `${digits(full)} MB`,
          beside: `${digits(empty)} MB without tenants: ${digits(((full - empty) * 1000) / (2 * TENANTS))} kB a consumer`,
          met: null,
        },
        {
          name: 'a look at every limit of every stream',
          measured: told(spread(looks), 'ms'),
          beside: 'asked by each overview, connection test and preflight of a new tenant',
          met: null,
        },
      ],
    };
  } finally {
    await port.close();
    await server.stop();
  }
}
