/** The one client of the control plane, and the query client that remembers what it answered. */
import { createClient, Problem } from '@cloudlysis/contract';
import { QueryCache, QueryClient } from '@tanstack/react-query';
import { faultOf } from './fault';
import { PROXY, proxyFetch } from './transport';

export const control = createClient({ baseUrl: PROXY, fetch: proxyFetch });

const RETRIES = 2;

/** What a second try may mend: no answer, or an answer that says "not now". */
const mayPass = (error: unknown): boolean =>
  !(error instanceof Problem) || ['unreachable', 'unavailable'].includes(faultOf(error).kind);

export function createQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    // The strip looks at `me` alone: whichever read finds the service away has it looked at once more.
    queryCache: new QueryCache({
      onError: (error, { queryKey: [id] }) => {
        if (id !== 'identity.me' && faultOf(error).kind === 'unreachable') {
          void client.invalidateQueries({ queryKey: ['identity.me'] });
        }
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        retry: (failures, error) => failures < RETRIES && mayPass(error),
        retryDelay: (attempt) => 400 * 2 ** attempt,
        // Grafana's proxy answers 502 while the service restarts: the browser is online all the same.
        networkMode: 'always',
      },
      mutations: { networkMode: 'always', retry: false },
    },
  });
  return client;
}
