// systemd's notifications, sd_notify(3), for units of Type=notify: the service is ready, or stops.
import { spawn } from 'node:child_process';

/** How long systemd's tool may take, ms. */
const limitMs = 5_000;

/**
 * Does nothing unless systemd asks for it with NOTIFY_SOCKET. Node has no datagram unix sockets, so systemd's own tool sends the
 * message (NotifyAccess=all in the unit).
 * @param state `--ready`, or a variable such as `STOPPING=1`: older tools have no flag for it
 * @param failed is called if it could not be sent; the service works without
 */
export function notifySystemd(
  env: NodeJS.ProcessEnv,
  state: readonly string[],
  failed: (reason: string) => void,
): void {
  if (!env.NOTIFY_SOCKET) return;
  const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...state], { stdio: 'ignore', timeout: limitMs });
  child.on('error', ({ message }) => failed(message));
  child.on('exit', (code, signal) => {
    if (code !== 0) failed(`systemd-notify ended with ${code ?? signal}`);
  });
  child.unref();
}
