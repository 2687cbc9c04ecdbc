// One buffer that all plain sockets read into, in place of 64 KiB from the system for each read.
import { Socket } from 'node:net';
import type { ConnectionHandle } from './peers.js';

/** The most that one read brings, bytes. */
export const READ_BYTES = 64 * 1024;

const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * Takes the connection out of its socket, which is of no use afterwards.
 * @param accepted by a server with `pauseOnConnect`: nothing was read from it.
 * @returns undefined when the client is gone already.
 */
export function handleOf(accepted: Socket): ConnectionHandle | undefined {
  const holder = accepted as unknown as { _handle: ConnectionHandle | null };
  const handle = holder._handle ?? undefined;
  holder._handle = null;
  accepted.destroy();
  return handle;
}

/**
 * A socket on this connection that emits, for each read, a chunk of its size. Node allocates and shrinks 64 KiB a read otherwise: a tenth of what
 * a small command costs. It offers this (`onread`) for sockets that connect, and for handles, which is why an accepted connection is taken out of its socket.
 */
export function withSharedReads(handle: ConnectionHandle): Socket {
  const callback = (bytes: number): boolean => {
    const chunk = Buffer.allocUnsafe(bytes);
    shared.copy(chunk, 0, 0, bytes);
    socket.emit('data', chunk);
    return true;
  };
  const options = { handle, allowHalfOpen: true, onread: { buffer: shared, callback } };
  const socket: Socket = new Socket(options);
  return socket;
}
