// Calls whose request has not come whole: bounded in number and in time.
import { constants } from 'node:http2';
import { ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder, status } from '@grpc/grpc-js';
import { streamOf } from './http2-stream.js';

/** The most calls that wait for the rest of their request; a burst of whole ones stays far below it. */
const mostWaiting = 10_000;

/** @param timeoutMs how long a client may take to send a request. @param after waits: calls once after ms, and returns how to call it off. */
export function boundHalfRequests(
  timeoutMs: number,
  after: (ms: number, call: () => void) => () => void,
): ServerInterceptor {
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
        const listener = new ServerListenerBuilder()
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
