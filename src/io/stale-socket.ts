// The socket file of a killed server: it would keep the next one from listening.
import { lstatSync, rmSync } from 'node:fs';
import { connect } from 'node:net';

/** Removes a unix socket's file if no server answers on it; a live server keeps it, and so does a file or folder of that name. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  const refused = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
  if (refused) rmSync(path, { force: true });
}
