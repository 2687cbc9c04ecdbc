// Reading a request's body, bounded.
import type { IncomingMessage } from 'node:http';
import { fail, type GatewayError } from '../errors.js';

const none = Buffer.alloc(0);

/**
 * Calls once with the whole body, or with `body-too-large` as soon as that is known; not at all when the client goes before.
 * The connection must be closed after an error: the rest of the body is still to come.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  call: (error: GatewayError | undefined, body: Buffer) => void,
): void {
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    call(fail('body-too-large'), none);
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  const take = (chunk: Buffer): void => {
    length += chunk.length;
    chunks.push(chunk);
    if (length <= limit) return;
    request.off('data', take).off('end', end).resume();
    call(fail('body-too-large'), none);
  };
  const end = (): void => call(undefined, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  request.on('data', take).on('end', end);
}
