// A Redis client for tests: ioredis with nothing hidden, no reconnecting, no resending.
import { Redis } from 'ioredis';

/** Connects; the caller disconnects. @param login of a user. */
export async function connect(
  port: number,
  name?: string,
  login: { username?: string; password?: string } = {},
): Promise<Redis> {
  const own = { lazyConnect: true, retryStrategy: () => null, protocol: 2 } as const;
  const client = new Redis({ port, host: '127.0.0.1', ...own, ...login });
  client.on('error', () => {});
  await client.connect();
  if (name !== undefined) await client.call('CLIENT', 'SETNAME', name);
  return client;
}

/** Connections of each worker have numbers of their own: this many for each. */
const idsOfWorker = 10_000_000_000;

/** Which of a gateway's workers serves a connection, from 0. */
export async function workerOf(client: Redis): Promise<number> {
  return Math.floor(Number(await client.call('CLIENT', 'ID')) / idsOfWorker);
}

export interface Popped {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

/** BLPOP, its eight elements as an object; undefined if nothing arrived in time. */
export async function pop(client: Redis, key: string, timeout: number | string = 15): Promise<Popped | undefined> {
  const answer = (await client.call('BLPOP', key, String(timeout))) as unknown[] | null;
  if (!answer) return undefined;
  const [, topic, , partition, , offset, , value] = answer;
  return { topic: String(topic), partition: Number(partition), offset: Number(offset), value: String(value) };
}

/** Acknowledges a message. */
export function ack(client: Redis, { topic, partition, offset }: Popped): Promise<unknown> {
  return client.call('RPUSH', 'acks', `${topic}:${partition}:${offset}`);
}
