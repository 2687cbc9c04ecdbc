// Replies that a client does not take: closed after a time. Pings do not help here: a client may answer them and never open its window.
import { constants } from 'node:http2';
import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { streamOf } from './http2-stream.js';

/**
 * Closes a call whose client has not taken the whole reply within timeoutMs. What it should have got counts as not delivered.
 * @param after calls once after ms. @returns a function that cancels it.
 */
export function boundUnreadReplies(
  timeoutMs: number,
  after: (ms: number, call: () => void) => () => void,
): ServerInterceptor {
  return (_method, call) => {
    let isBound = false;
    const bound = (): void => {
      const stream = streamOf(call);
      if (isBound || !stream || stream.destroyed) return;
      isBound = true;
      // The other calls of the connection go on: each has a time of its own.
      const cancel = after(timeoutMs, () => stream.close(constants.NGHTTP2_CANCEL));
      stream.once('close', cancel);
    };
    return new ServerInterceptingCall(call, {
      sendMessage(message, next) {
        next(message);
        bound();
      },
      // grpc-js sends it once the message has been taken, so that a failed call is bound here only.
      sendStatus(status, next) {
        next(status);
        bound();
      },
    });
  };
}
