// The file of a unix socket whose server was killed: it would keep the next one from listening.
import { existsSync, rmSync } from 'node:fs';
import { connect } from 'node:net';

/** Removes the socket's file when nobody answers behind it; a server that lives keeps it. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
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
