// Reports when a reply was handed to the socket, or never will be.
import type { IncomingMessage, ServerResponse } from 'node:http';

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
