// Calls whose request has not come whole: bounded in number and in time, and read only of who is let in.
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

/** The most calls that wait for the rest of their request; a burst of whole ones stays far below it. */
const mostWaiting = 10_000;

export interface HalfRequestOptions {
  /** How long a client may take to send a request, ms. */
  readonly timeoutMs: number;
  /** Waits: calls once after ms. @returns how to call it off. */
  readonly after: (ms: number, call: () => void) => () => void;
  /** Lets a caller in before anything of its request is read. @throws GatewayError, or rejects with one */
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
          // Otherwise the stream, with what has come, stays until the client ends it. grpc-js has no word for that.
          setImmediate(() => streamOf(call)?.close(constants.NGHTTP2_NO_ERROR));
        };
        const cancel = after(timeoutMs, () => refuse(status.DEADLINE_EXCEEDED, 'the request did not come in time'));
        const refused = (error: unknown): void => {
          if (error instanceof GatewayError) refuse(error.grpcStatus, error.message);
          else refuse(status.INTERNAL, 'internal error');
        };
        const listener = new ServerListenerBuilder()
          // Until it is passed on grpc-js reads nothing of the request.
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
