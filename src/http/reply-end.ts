// The end of a reply: reports when it was handed to the socket, or never will be; bounds how long a client may take to read it.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { after } from '../io/clock.js';

/** Calls once: true if the reply has been handed to the socket, false if the client disconnected before. */
export function onEnd({ socket }: IncomingMessage, response: ServerResponse, call: (sent: boolean) => void): void {
  if (socket.destroyed) {
    call(false);
    return;
  }
  const end = (sent: boolean): void => {
    response.off('finish', finished).off('close', closed);
    if (pipelined) socket.off('close', closed);
    call(sent);
  };
  // `finish` is also emitted after a failed write.
  const finished = (): void => end(!socket.destroyed && !socket.errored);
  const closed = (): void => end(false);
  // A pipelined reply that waits for its turn gets no event when the connection ends.
  const pipelined = response.socket === null;
  response.on('finish', finished).on('close', closed);
  // One per pipelined request: Node would report more than ten as a leak.
  if (pipelined) socket.setMaxListeners(0).once('close', closed);
}

/** How long a client may take to read a reply, ms: as for a reply of RESP and of gRPC. */
const unreadMs = 60_000;

/** Closes the connection of a client that has not read the whole reply in time, counted from the reply's end. @param timeoutMs absent: 60 s */
export function boundUnreadReplies(server: Server, timeoutMs = unreadMs): void {
  // First of all: a reply may be complete when the handler returns.
  server.prependListener('request', (_request, response: ServerResponse) => {
    // The reply is complete, and the socket has what the client's window does not hold.
    response.once('prefinish', () => {
      const { socket } = response;
      if (!socket || socket.writableLength === 0) return;
      response.once(
        'close',
        after(timeoutMs, () => socket.destroy()),
      );
    });
  });
}
