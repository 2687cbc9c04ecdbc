// What INFO and HGETALL stats count: for one process, and for all behind the same port.
import type { Context, ServerView } from '../command/context.js';
import type { Facts, Load } from '../siblings/load.js';

/** Of this process, without figures that need a RESP face. */
export function processLoad(): Load {
  const { user, system } = process.cpuUsage();
  const memory = process.memoryUsage.rss();
  const faceless = { clients: 0, blocked: 0, producers: 0, spareProducers: 0, consumers: 0, inFlight: 0 };
  return { ...faceless, memory, cpuUser: user, cpuSystem: system };
}

export function ownFacts(server: ServerView): Facts {
  let blocked = 0;
  for (const { facts } of server.clients()) if (facts.isWaiting) blocked++;
  const load = { ...processLoad(), ...server.gateway.load(), clients: server.clientCount, blocked };
  return { stats: server.stats.snapshot(), load };
}

/** Of all processes of the server. Answers at once if there is only one. */
export function allFacts({ server }: Context): Facts | Promise<Facts> {
  const own = ownFacts(server);
  if (!server.peers.exist) return own;
  return server.peers.askAll('facts').then((others) => sumFacts([own, ...others]));
}

/** Resets every counter in all processes. */
export function resetStats({ server }: Context): undefined | Promise<unknown> {
  server.stats.reset();
  return server.peers.exist ? server.peers.askAll('resetStats') : undefined;
}

function sumFacts(all: readonly Facts[]): Facts {
  const stats = sum(all.map((each) => each.stats));
  const load = sum(all.map((each) => ({ ...each.load })));
  return { stats, load: load as unknown as Load };
}

function sum(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const each of all) for (const [name, value] of Object.entries(each)) total[name] = (total[name] ?? 0) + value;
  return total;
}
