// The client of the request benchmark, a process of its own so that its CPU is not the server's: keep-alive, eight at once.
import { Agent, get } from 'node:http';

export interface Order {
  /** Asked for in turn. */
  readonly urls: readonly string[];
  readonly token: string;
  readonly count: number;
}

const AT_ONCE = 8;
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

function ask(url: string, token: string): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answers ${response.statusCode}`));
      response.resume();
      response.once('end', resolve);
    }).once('error', reject);
  });
}

process.on('message', (order: Order) => {
  const { urls, token, count } = order;
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < count) await ask(urls[sent++ % urls.length]!, token);
  };
  Promise.all(Array.from({ length: AT_ONCE }, worker)).then(
    () => process.send?.('done'),
    (error: Error) => process.send?.(error.message),
  );
});
