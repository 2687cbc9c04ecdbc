// Calls with an incomplete request: bounded in number and in time, and read only from authenticated callers.
import { constants } from 'node:http2';
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { own } from '../core/promises.js';
import { GatewayError } from '../errors.js';
import { streamOf } from './http2-stream.js';

/** Maximum calls that wait for the rest of their request; a burst of complete ones stays far below it. */
const mostWaiting = 10_000;

export interface HalfRequestOptions {
  /** How long a client may take to send a request, ms. */
  readonly timeoutMs: number;
  /** Waits: calls once after ms. @returns a function that cancels it. */
  readonly after: (ms: number, call: () => void) => () => void;
  /** Authenticates a caller before its request is read. @throws GatewayError, or rejects with one */
  readonly admit: (metadata: Metadata, peer: string) => unknown;
}

export function boundHalfRequests({ timeoutMs, after, admit }: HalfRequestOptions): ServerInterceptor {
  let waiting = 0;
  return (_method, call) =>
    new ServerInterceptingCall(call, {
      start(next) {
        waiting++;
        let isWaiting = true;
        const done = (): void => {
          if (!isWaiting) return;
          isWaiting = false;
          waiting--;
          cancel();
        };
        const refuse = (code: number, details: string): void => {
          done();
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
          .withOnReceiveHalfClose((pass) => {
            done();
            pass();
          })
          .withOnCancel(() => done())
          .build();
        next(listener);
        if (waiting > mostWaiting) refuse(status.RESOURCE_EXHAUSTED, 'too many requests are half sent');
      },
    });
}
