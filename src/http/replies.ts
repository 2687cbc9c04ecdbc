// Replies to the requests of one turn of the event loop, written together when it ends. See docs/decisions/0008.
import type { ServerResponse } from 'node:http';
import { TurnQueue } from '../io/turn-queue.js';

interface Reply {
  readonly response: ServerResponse;
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * A client on the same machine that is woken by each reply takes turns with the server, at a context switch and cold caches a request: a bare
 * node:http server answers a quarter more requests a second if it reads all that have arrived before it writes.
 */
export class Replies {
  readonly #due = new TurnQueue<Reply>({
    handle: write,
    failed: ({ response }, error) => response.destroy(error as Error),
  });

  send(response: ServerResponse, status: number, type: string, body: string): void {
    this.#due.add({ response, status, type, body });
  }
}

/** One string, so that head and body leave in one write. */
function write({ response, status, type, body }: Reply): void {
  const length = ['Content-Length', String(Buffer.byteLength(body))];
  response.writeHead(status, body === '' ? length : ['Content-Type', type, ...length]).end(body);
}
