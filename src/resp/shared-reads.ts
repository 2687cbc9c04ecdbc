// One buffer that all plain sockets read into, in place of 64 KiB from the system for each read.
import { Socket } from 'node:net';

/** The most that one read brings, bytes. */
export const READ_BYTES = 64 * 1024;

const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * The same connection as a socket that emits, for each read, a chunk of its size. Node allocates and shrinks 64 KiB a read otherwise: a tenth of
 * what a small command costs. Node offers this (`onread`) for sockets that connect; one that was accepted has to hand over its handle, and is
 * of no use afterwards. Where there is none to hand over the socket itself is returned.
 * @param accepted by a server with `pauseOnConnect`: nothing was read from it.
 */
export function withSharedReads(accepted: Socket): Socket {
  const holder = accepted as unknown as { _handle: { useUserBuffer?: unknown } | null };
  const handle = holder._handle;
  if (typeof handle?.useUserBuffer !== 'function') {
    accepted.resume();
    return accepted;
  }
  holder._handle = null;
  accepted.destroy();
  const callback = (bytes: number): boolean => {
    const chunk = Buffer.allocUnsafe(bytes);
    shared.copy(chunk, 0, 0, bytes);
    socket.emit('data', chunk);
    return true;
  };
  const options = { handle, allowHalfOpen: accepted.allowHalfOpen, onread: { buffer: shared, callback } };
  const socket: Socket = new Socket(options);
  return socket;
}
