/** Reads server-sent events from a response, where `EventSource` cannot send a token. */
import { createParser } from 'eventsource-parser';

export interface ServerSentEvent {
  readonly name: string;
  readonly data: string;
}

/** Events as they arrive; comments (heartbeats) are skipped. Leaving the loop closes the connection. */
export async function* eventsOf(response: Response): AsyncGenerator<ServerSentEvent> {
  if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream')) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const arrived: ServerSentEvent[] = [];
  const parser = createParser({ onEvent: ({ event = 'message', data }) => void arrived.push({ name: event, data }) });
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      parser.feed(decoder.decode(chunk.value as Uint8Array, { stream: true }));
      yield* arrived.splice(0);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
