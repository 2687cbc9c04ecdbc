// Reads a request's body, bounded.
import type { IncomingMessage } from 'node:http';
import type { MemoryBudget } from '../core/memory/memory-budget.js';
import { fail, type GatewayError } from '../errors.js';

const none = Buffer.alloc(0);
/** A body up to this size is not counted: it arrives in one piece. */
const smallBytes = 16 * 1024;
/** Overhead of a piece, bytes. */
const pieceBytes = 256;

/**
 * Calls once with the whole body, or early with `body-too-large` or `bodies-too-large`; not at all if the client disconnects before.
 * The connection must be closed after an error: the rest of the body is still to come.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  budget: MemoryBudget,
  call: (error: GatewayError | undefined, body: Buffer) => void,
): void {
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    call(fail('body-too-large'), none);
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  let cost = 0;
  let counted = 0;
  const refuse = (error: GatewayError): void => {
    request.off('data', take).off('end', end).resume();
    chunks.length = 0;
    free();
    call(error, none);
  };
  const free = (): void => {
    budget.free(counted);
    counted = 0;
  };
  const take = (chunk: Buffer): void => {
    length += chunk.length;
    cost += chunk.length + pieceBytes;
    const uncounted = cost > smallBytes ? cost - counted : 0;
    if (length > limit) refuse(fail('body-too-large'));
    else if (uncounted > budget.left) refuse(fail('bodies-too-large'));
    else {
      if (uncounted > 0 && counted === 0) request.once('close', free);
      budget.reserve(uncounted);
      counted += uncounted;
      chunks.push(chunk);
    }
  };
  const end = (): void => call(undefined, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  request.on('data', take).on('end', end);
}
