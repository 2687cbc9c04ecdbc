// Calls with an incomplete request: bounded in number, bytes and time, and read only from authenticated callers.
import { constants } from 'node:http2';
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import type { MemoryBudget } from '../core/memory/memory-budget.js';
import { own } from '../core/promises.js';
import { fail, GatewayError } from '../errors.js';
import { streamOf } from './http2-stream.js';

/** Calls that wait for the rest of their request; a burst of complete ones stays far below it. */
const defaultMostWaiting = 10_000;
/** Overhead of a piece of a request, bytes. */
const pieceBytes = 256;

export interface HalfRequestOptions {
  /** How long a client may take to send a request, ms. */
  readonly timeoutMs: number;
  /** Maximum calls that wait for the rest of their request; absent: 10,000. */
  readonly mostWaiting?: number;
  /** Of what all requests that are not answered yet may take. */
  readonly budget: MemoryBudget;
  /** Waits: calls once after ms. @returns a function that cancels it. */
  readonly after: (ms: number, call: () => void) => () => void;
  /** Authenticates a caller before its request is read. @throws GatewayError, or rejects with one */
  readonly admit: (metadata: Metadata, peer: string) => unknown;
}

/** Set on a request by its deserializer: its length without compression, bytes. */
const length = Symbol('length');

/** A deserializer whose requests are counted by their length without compression. */
export function measured<T extends object>(deserialize: (bytes: Buffer) => T): (bytes: Buffer) => T {
  return (bytes) => Object.assign(deserialize(bytes), { [length]: bytes.length });
}

export function boundHalfRequests(options: HalfRequestOptions): ServerInterceptor {
  const { timeoutMs, mostWaiting = defaultMostWaiting, budget, after, admit } = options;
  let waiting = 0;
  return (_method, call) => {
    let release = (): void => {};
    return new ServerInterceptingCall(call, {
      start(next) {
        waiting++;
        let isWaiting = true;
        let counted = 0;
        const done = (): void => {
          if (!isWaiting) return;
          isWaiting = false;
          waiting--;
          cancel();
        };
        // Called when the call is over: a whole request is held until then.
        release = (): void => {
          done();
          budget.free(counted);
          counted = 0;
        };
        const count = (bytes: number): void => {
          if (!isWaiting) return;
          if (bytes > budget.left) refused(fail('bodies-too-large'));
          else {
            budget.reserve(bytes);
            counted += bytes;
          }
        };
        const refuse = (code: number, details: string): void => {
          release();
          call.sendStatus({ code, details, metadata: null });
          // Otherwise the stream, with its data, stays until the client ends it. grpc-js has no call for that.
          setImmediate(() => streamOf(call)?.close(constants.NGHTTP2_NO_ERROR));
        };
        const cancel = after(timeoutMs, () => refuse(status.DEADLINE_EXCEEDED, 'the request did not come in time'));
        const refused = (error: unknown): void => {
          if (error instanceof GatewayError) refuse(error.grpcStatus, error.message);
          else refuse(status.INTERNAL, 'internal error');
        };
        const listener = new ServerListenerBuilder()
          // grpc-js reads nothing of the request until it is passed on.
          .withOnReceiveMetadata((metadata, pass) => {
            try {
              const admitted = admit(metadata, call.getPeer());
              if (admitted instanceof Promise)
                own(
                  admitted.then(() => pass(metadata)),
                  refused,
                );
              else pass(metadata);
            } catch (error) {
              refused(error);
            }
          })
          // Compressed, a small request may be a large one: it was counted as it came.
          .withOnReceiveMessage((request, pass) => {
            count(Math.max(0, (request?.[length] ?? 0) - counted));
            if (isWaiting) pass(request);
          })
          .withOnReceiveHalfClose((pass) => {
            done();
            pass();
          })
          .withOnCancel(() => release())
          .build();
        // The stream is paused until grpc-js asks for the request; a listener does not change that.
        streamOf(call)?.on('data', (piece: Buffer) => count(piece.length + pieceBytes));
        next(listener);
        if (waiting > mostWaiting) refuse(status.RESOURCE_EXHAUSTED, 'too many requests are half sent');
      },
      sendStatus(result, next) {
        release();
        next(result);
      },
    });
  };
}
