// Replies that a client does not read: Node has no limit for them.
import type { Server, ServerResponse } from 'node:http';

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
      const timer = setTimeout(() => socket.destroy(), timeoutMs);
      response.once('close', () => clearTimeout(timer));
    });
  });
}
