// Reads a request's body, bounded.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MemoryBudget } from '../core/memory/memory-budget.js';
import { fail, type GatewayError } from '../errors.js';
import { after } from '../io/clock.js';

const none = Buffer.alloc(0);
/** A body up to this size is not counted: it arrives in one piece. */
const smallBytes = 16 * 1024;
/** Overhead of a piece, bytes. */
const pieceBytes = 256;
/** How long a large body may wait until there is room for it, ms. */
const waitMs = 20_000;

type Call = (error: GatewayError | undefined, body: Buffer) => void;

/**
 * Calls once with the whole body, or early with `body-too-large` or `bodies-too-large`; not at all if the client disconnects before.
 * A large body of known length is not read before there is room for the whole of it: its client waits.
 * The connection must be closed after an error: the rest of the body is still to come.
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limit: number,
  budget: MemoryBudget,
  call: Call,
): void {
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > limit) call(fail('body-too-large'), none);
  else if (length > smallBytes) readInTurn(request, response, length, budget, call);
  else readPieces(request, response, limit, budget, call);
}

function readInTurn(
  request: IncomingMessage,
  response: ServerResponse,
  length: number,
  budget: MemoryBudget,
  call: Call,
): void {
  const refuse = (): void => {
    release();
    request.resume();
    call(fail('bodies-too-large'), none);
  };
  let release = (): void => {};
  let hasBegun = false;
  let stopWaiting = (): void => {};
  try {
    release = budget.reserveInTurn(length + pieceBytes, () => {
      hasBegun = true;
      stopWaiting();
      readWhole(request, length, call);
    });
  } catch {
    refuse();
    return;
  }
  if (!hasBegun) stopWaiting = after(waitMs, refuse);
  // A request closes as soon as it has come whole.
  response.once('close', () => {
    stopWaiting();
    release();
  });
}

function readWhole(request: IncomingMessage, length: number, call: Call): void {
  const body = Buffer.allocUnsafeSlow(length);
  let at = 0;
  request
    .on('data', (piece: Buffer) => {
      at += piece.copy(body, at);
    })
    .on('end', () => call(undefined, body));
}

/** A small body, or one whose length is not known. */
function readPieces(
  request: IncomingMessage,
  response: ServerResponse,
  limit: number,
  budget: MemoryBudget,
  call: Call,
): void {
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
      if (uncounted > 0 && counted === 0) response.once('close', free);
      budget.reserve(uncounted);
      counted += uncounted;
      chunks.push(chunk);
    }
  };
  const end = (): void => call(undefined, chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  request.on('data', take).on('end', end);
}
