// One buffer that all plain sockets read into, instead of 64 KiB from the system for each read. See docs/decisions/0008.
import { Socket } from 'node:net';
import type { ConnectionHandle } from '../siblings/siblings.js';

/** Maximum bytes of one read. */
export const READ_BYTES = 64 * 1024;

/**
 * Takes the connection out of a socket that was just accepted; the socket is unusable afterwards.
 * @param accepted by a server with `pauseOnConnect`: nothing was read from it.
 */
export function handleOf(accepted: Socket): ConnectionHandle {
  const holder = accepted as unknown as { _handle: ConnectionHandle | null };
  const handle = holder._handle!;
  holder._handle = null;
  accepted.destroy();
  return handle;
}

export class SharedReads {
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);

  /**
   * A socket on this connection that emits, for each read, a chunk of its size. Node allocates and shrinks 64 KiB a read otherwise: a tenth of
   * what a small command costs. Node offers this (`onread`) for connecting sockets, and for handles, so an accepted connection is
   * taken out of its socket. Small chunks come from Node's slabs of 8 KiB: keeping one keeps its slab.
   */
  socketOn(handle: ConnectionHandle): Socket {
    const buffer = this.#buffer;
    const callback = (bytes: number): boolean => {
      const chunk = Buffer.allocUnsafe(bytes);
      buffer.copy(chunk, 0, 0, bytes);
      socket.emit('data', chunk);
      return true;
    };
    const options = { handle, allowHalfOpen: true, onread: { buffer, callback } };
    const socket: Socket = new Socket(options);
    return socket;
  }
}
