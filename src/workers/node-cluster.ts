// The processes themselves: node:cluster shares the listening socket, and an idle worker accepts. See docs/decisions/0010.

import type { SendHandle } from 'node:child_process';
import cluster, { type Worker } from 'node:cluster';
import type { ConnectionHandle } from '../resp/siblings/siblings.js';
import type { Channel, WorkerProcess } from './start-options.js';

/** Makes this process a primary: its workers run the same program with these arguments. @returns a function that starts one. */
export function preparePrimary(args: readonly string[]): () => WorkerProcess {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ args: [...args] });
  return fork;
}

function fork(): WorkerProcess {
  const worker = cluster.fork();
  return {
    pid: worker.process.pid ?? 0,
    send(messages, left) {
      if (worker.isConnected()) worker.send(messages as object[], () => left());
      else left();
    },
    onMessages: (listener) => worker.on('message', (messages: object[]) => listener(messages)),
    pass: passer(worker),
    onPassed: (listener) => onPassed(worker, listener),
    onGone: (listener) =>
      worker.once('exit', (code, signal) => listener(signal ? `signal ${signal}` : `exit code ${code}`)),
    disconnect: () => worker.disconnect(),
    kill: () => worker.process.kill('SIGKILL'),
  };
}

/** The channel of a worker to its primary; undefined in a process that is not a worker. */
export function primaryChannel(): Channel | undefined {
  const { worker } = cluster;
  if (!worker) return undefined;
  return {
    send(messages, left) {
      if (worker.isConnected()) worker.send(messages as object[], () => left());
      else left();
    },
    onMessages: (listener) => worker.on('message', (messages: object[]) => listener(messages)),
    pass: passer(worker),
    onPassed: (listener) => onPassed(worker, listener),
    onGone(listener) {
      worker.once('disconnect', () => {
        // Otherwise node:cluster ends the process at once.
        worker.exitedAfterDisconnect = true;
        listener('disconnected');
      });
    },
  };
}

/** The system copies a connection to the other process: here it is closed when it has left. */
function passer(worker: Worker): (handle: ConnectionHandle) => boolean {
  const leaving = new Set<ConnectionHandle>();
  const left = (handle: ConnectionHandle): void => {
    if (leaving.delete(handle)) handle.close();
  };
  // Node sends one at a time, and forgets those that wait when the other side dies; it may not even report the disconnect then.
  const leave = (): void => {
    for (const handle of leaving) left(handle);
  };
  worker.once('disconnect', leave);
  worker.once('exit', leave);
  return (handle) => {
    if (!worker.isConnected()) return false;
    leaving.add(handle);
    worker.send([], handle as unknown as SendHandle, () => left(handle));
    return true;
  };
}

function onPassed(worker: Worker, listener: (handle: ConnectionHandle) => void): void {
  worker.on('message', (_messages: object[], handle: unknown) => {
    if (handle !== undefined) listener(handle as ConnectionHandle);
  });
}
