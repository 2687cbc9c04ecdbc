// When a reply is with the socket, and when it will never be.
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Calls once, when the reply has been handed to the socket (true) or the client has gone before (false). */
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
  // `finish` also comes when the write has failed.
  const finished = (): void => end(!socket.destroyed && !socket.errored);
  const closed = (): void => end(false);
  // A pipelined reply that waits for its turn hears nothing of the connection's end.
  const pipelined = response.socket === null;
  response.on('finish', finished).on('close', closed);
  // As many as the requests that were pipelined: Node would take more than ten for a leak.
  if (pipelined) socket.setMaxListeners(0).once('close', closed);
}
