// What else happens to the streams' ledger, one event after each kill: brokers roll, partitions are added, sockets are cut, a stream is
// deleted and made again, and a consumer dies with more than one read can load.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Admin } from '../../src/core/ports.js';
import type { GatewayProcess } from '../support/gateway.js';
import type { KafkaServer } from '../support/kafka-server.js';
import { connect } from '../support/redis-client.js';

export interface Stage {
  readonly server: KafkaServer;
  readonly admin: Admin;
  readonly gateways: readonly GatewayProcess[];
  /** The ledger's own connections that are open. */
  readonly clients: Set<Redis>;
  /** The ledger's own topic. */
  readonly topic: string;
  readonly say: (text: string) => void;
}

/** @param round from 0 @returns figures to be added up; those whose names end with `missing` must be 0 */
export type Trouble = (stage: Stage, round: number) => Promise<Readonly<Record<string, number>>>;

type Reply = [string, [string, string[]][]][] | null;

const patienceMs = 60_000;

/** Restarts all brokers in turn. */
const roll: Trouble = async ({ server, say }) => {
  for (let node = 0; node < server.nodeCount; node++) {
    await server.restart(node);
    say(`broker ${node} was restarted`);
    await sleep(3_000);
  }
  return { 'brokers restarted': server.nodeCount };
};

const grow: Trouble = async ({ admin, topic, say }) => {
  const [found] = await admin.topics([topic]);
  const total = (found?.partitions.length ?? 0) + 2;
  await admin.createPartitions(topic, total);
  say(`the stream has ${total} partitions`);
  return { 'partitions added': 2 };
};

/** Clients connect again by themselves and tell nobody. */
const cut: Trouble = async ({ clients, say }) => {
  const open = [...clients].filter(({ status }) => status === 'ready');
  for (const client of open) client.stream.destroy();
  say(`${open.length} sockets were cut`);
  return { 'sockets cut': open.length };
};

/** DEL, XADD, XGROUP CREATE at 0: the group gets the new stream from its first entry, and nothing of the old one. */
const recreate: Trouble = async ({ gateways, say }, round) => {
  const client = await connect(gateways[0]!.port);
  const name = 'ledger-remade';
  try {
    const expected = new Set<string>();
    for (const generation of [0, 1]) {
      if (generation > 0) await client.call('DEL', name);
      expected.clear();
      for (let index = 0; index < 100; index++) {
        const value = `${round}.${generation}.${index}`;
        await client.call('XADD', name, '*', 'value', value);
        expected.add(value);
      }
      await client.call('XGROUP', 'CREATE', name, 'g', '0');
      const read = ['XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', '500', 'STREAMS', name, '>'] as const;
      await untilEmpty(expected, async () => take(client, name, (await client.call(...read)) as Reply));
      if (expected.size > 0) break;
    }
    await client.call('DEL', name);
    say(`a stream that was made again: ${expected.size} entries missing`);
    return { 'streams made again': 1, 'entries of those missing': expected.size };
  } finally {
    client.disconnect();
  }
};

/** Entries of 400 KB, more than a read of 32 MiB loads, are taken by a consumer that dies, and claimed. */
const claim: Trouble = async ({ gateways, say }, round) => {
  const [dead, alive] = [await connect(gateways[0]!.port), await connect(gateways[0]!.port)];
  const name = `ledger-large-${round}`;
  const count = 100;
  const padding = 'x'.repeat(400_000);
  try {
    await alive.call('XGROUP', 'CREATE', name, 'g', '0', 'MKSTREAM');
    const expected = new Set(Array.from({ length: count }, (_, index) => String(index)));
    for (const value of expected) await alive.call('XADD', name, '*', 'value', value, 'padding', padding);
    const given = new Set(expected);
    const read = (who: string) => ['GROUP', 'g', who, 'COUNT', '30', 'BLOCK', '1000', 'STREAMS', name, '>'];
    await untilEmpty(given, async () => valuesOf((await dead.call('XREADGROUP', ...read('dead'))) as Reply));
    dead.disconnect();
    let from = '0-0';
    await untilEmpty(expected, async () => {
      const claimed = ['XAUTOCLAIM', name, 'g', 'alive', '0', from, 'COUNT', String(count)] as const;
      const [next, entries] = (await alive.call(...claimed)) as [string, [string, string[]][]];
      from = next;
      const claims = await take(alive, name, [[name, entries]]);
      // After some time what a member without a connection has is given to those who ask for new entries.
      return [...claims, ...(await take(alive, name, (await alive.call('XREADGROUP', ...read('alive'))) as Reply))];
    });
    await alive.call('DEL', name);
    say(`${count} entries of a dead consumer, 400 KB each: ${expected.size} missing`);
    return { 'large entries claimed': count, 'large entries missing': expected.size };
  } finally {
    dead.disconnect();
    alive.disconnect();
  }
};

export const troubles: readonly Trouble[] = [cut, grow, claim, roll, recreate];

const valuesOf = (reply: Reply): string[] => (reply?.[0]?.[1] ?? []).map(([, fields]) => fields[1]!);

/** Acknowledges what came. @returns its values */
async function take(client: Redis, name: string, reply: Reply): Promise<string[]> {
  const ids = (reply?.[0]?.[1] ?? []).map(([id]) => id);
  if (ids.length > 0) await client.call('XACK', name, 'g', ...ids);
  return valuesOf(reply);
}

/** Takes again and again until nothing is expected any more, for a time. */
async function untilEmpty(expected: Set<string>, step: () => Promise<readonly string[]>): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (expected.size > 0 && Date.now() < deadline)
    for (const value of await step().catch(() => [] as string[])) expected.delete(value);
}
