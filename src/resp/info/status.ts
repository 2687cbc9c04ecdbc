// What INFO and HGETALL stats count: for one process, and for all behind the same port.
import type { Context, ServerView } from '../command/context.js';
import type { Load, ProcessStatus } from '../siblings/load.js';

/** Of this process, without figures that need a RESP listener. */
export function processLoad(): Load {
  const { user, system } = process.cpuUsage();
  const memory = process.memoryUsage.rss();
  const faceless = { clients: 0, blocked: 0, producers: 0, spareProducers: 0, consumers: 0, inFlight: 0 };
  return { ...faceless, memory, cpuUser: user, cpuSystem: system };
}

export function ownStatus(server: ServerView): ProcessStatus {
  let blocked = 0;
  for (const { status } of server.clients()) if (status.isWaiting) blocked++;
  const load = { ...processLoad(), ...server.gateway.load(), clients: server.clientCount, blocked };
  return { stats: server.stats.snapshot(), load };
}

/** Of all processes of the server. Answers at once if there is only one. */
export function allStatus({ server }: Context): ProcessStatus | Promise<ProcessStatus> {
  const own = ownStatus(server);
  if (!server.siblings.exist) return own;
  return server.siblings.askAll('status').then((others) => sumStatus([own, ...others]));
}

/** Resets every counter in all processes. */
export function resetStats({ server }: Context): undefined | Promise<unknown> {
  server.stats.reset();
  return server.siblings.exist ? server.siblings.askAll('resetStats') : undefined;
}

function sumStatus(all: readonly ProcessStatus[]): ProcessStatus {
  const stats = sum(all.map((each) => each.stats));
  const load = sum(all.map((each) => ({ ...each.load })));
  return { stats, load: load as unknown as Load };
}

function sum(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const each of all) for (const [name, value] of Object.entries(each)) total[name] = (total[name] ?? 0) + value;
  return total;
}
