// Closes a connection at each moment of a command: before and after everything that it asks of Kafka or of other processes.
import assert from 'node:assert/strict';
import type { Clock, KafkaFactory } from '../../src/core/ports.js';
import { noSiblings, type Siblings } from '../../src/resp/siblings/siblings.js';
import { realClock } from './clock.js';
import { eventually } from './eventually.js';
import type { FakeKafka } from './fake-kafka.js';
import { RespPair } from './resp-pair.js';

/** The moments before and after whatever is asked of Kafka or of other processes: one of them can be when the client goes. */
class Moments {
  #count = 0;
  #at = 0;
  #happens: () => Promise<void> = async () => {};

  /** Lets it happen at the moment of this number from now on. */
  arm(at: number, happens: () => Promise<void>): void {
    this.#count = 0;
    this.#at = at;
    this.#happens = happens;
  }

  get isOver(): boolean {
    return this.#count >= this.#at;
  }

  async around<T>(call: () => Promise<T>): Promise<T> {
    await this.#moment();
    const result = await call();
    await this.#moment();
    return result;
  }

  /** The same object, with moments around each of its calls that give a promise; so have the clients that it makes. */
  over<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (_, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name === 'admin') return this.over(value as object);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          const call = (): unknown => value.apply(target, args);
          if (!asked.has(String(name))) return call();
          return this.around(async () => {
            const made = await call();
            return name === 'producer' || name === 'consumer' ? this.over(made as object) : made;
          });
        };
      },
    });
  }

  async #moment(): Promise<void> {
    if (++this.#count === this.#at) await this.#happens();
  }
}

/** Of the ports: what gives a promise. */
const asked = new Set([
  'close',
  'purge',
  'initTransactions',
  'beginTransaction',
  'commitTransaction',
  'abortTransaction',
  'sendOffsets',
  'edges',
  'brokers',
  'producer',
  'consumer',
  'flush',
  'poll',
  'commit',
  'committed',
  'watermarks',
  'offsetsForTimes',
  'refreshTopics',
  'seek',
  'topics',
  'createTopic',
  'deleteTopic',
  'deleteRecords',
  'topicConfigs',
  'identity',
  'groups',
  'describeGroups',
  'groupOffsets',
  'commitGroupOffsets',
  'deleteGroupOffsets',
]);

/** Knows how many timers are set. */
class CountingClock implements Clock {
  pending = 0;
  readonly now = realClock.now;
  readonly monotonic = realClock.monotonic;

  after(ms: number, call: () => unknown): () => void {
    let isSet = true;
    this.pending++;
    const ended = (): void => {
      if (isSet) this.pending--;
      isSet = false;
    };
    const cancel = realClock.after(ms, () => {
      ended();
      return call();
    });
    return () => {
      ended();
      cancel();
    };
  }
}

/** Other processes that grant every name. */
function peersOf(moments: Moments, names: Set<string>): Siblings {
  return {
    ...noSiblings(0),
    exist: true,
    claim: (key) =>
      moments.around(async () => {
        names.add(key);
        return true;
      }),
    release: (key) => names.delete(key),
    askHolder: () => moments.around(async () => undefined),
    askAll: () => moments.around(async () => []),
    watch: () => moments.around(async () => {}),
  };
}

export const quick = { idleMs: 1, pendingTimeoutMs: 1, plainLists: true, readTimeoutMs: 2_000 };
/** A command to close at. */
export interface ClosingCase {
  readonly before?: readonly (readonly string[])[];
  /** A text is sent as it is; a function gets the reply of the last command before. */
  readonly command: string | readonly string[] | ((before: string) => readonly string[]);
  /** Records in the topic `t` before. */
  readonly records?: number;
  readonly settings?: Record<string, unknown>;
  readonly waits?: true;
  /** Moments to try at most: of a command that shares its way with others. */
  readonly most?: number;
  /** Its entries are pending: they wait in their group for whoever asks next. */
  readonly leavesEntries?: true;
}

/** @returns false when the command was answered before the moment came. */
export async function closeAt(
  at: number,
  { before = [], command, records, settings = {}, leavesEntries }: ClosingCase,
): Promise<boolean> {
  const moments = new Moments();
  const clock = new CountingClock();
  const names = new Set<string>();
  const bugs: string[] = [];
  const pair = await RespPair.start({
    settings: { streams: quick, spareProducers: 0, producerIdleTimeoutMs: 0, strictNames: false, ...settings },
    wrap: (kafka: FakeKafka): KafkaFactory => moments.over<KafkaFactory>(kafka),
    siblings: peersOf(moments, names),
    clock,
    onError: (line) => bugs.push(line),
  });
  try {
    if (records !== undefined) {
      pair.kafka.createTopic('t', 3);
      for (let index = 0; index < records; index++) pair.kafka.seed('t', index % 3, `value ${index}`);
    }
    const client = await pair.client();
    let last = '';
    for (const each of before) last = await client.exchange(each);
    const connection = [...pair.server.clients()][0]!;
    const gone = async (): Promise<void> => {
      connection.destroy();
      while (pair.server.clientCount > 0) await new Promise((resolve) => setImmediate(resolve));
    };
    moments.arm(at, gone);
    const answered = client.exchange(typeof command === 'function' ? command(last) : command);
    let isAnswered = false;
    void answered.then(() => {
      isAnswered = true;
    });
    await eventually(20_000, () => moments.isOver || isAnswered);
    const isReached = moments.isOver;
    if (!isReached) await gone();
    const { streams } = pair.gateway;
    const left = (): object => ({
      connections: pair.server.clientCount,
      // What lasts is what a gateway keeps: the producer that all streams share.
      producers: pair.kafka.producers.size <= 1,
      consumers: pair.kafka.consumers.size - streams.groups.size,
      load: pair.gateway.load(),
      tails: streams.tails.size,
      members: [...streams.groups].flatMap(({ members }) => [...members]).filter(({ sockets }) => sockets.size > 0),
      names: [...names],
      bytes: pair.server.budget.total,
      timers: clock.pending - streams.groups.size,
      groups: leavesEntries ? 0 : streams.groups.size,
    });
    const nothing = {
      connections: 0,
      producers: true,
      consumers: 0,
      load: { producers: 0, spareProducers: 0, consumers: 0, inFlight: 0 },
      tails: 0,
      members: [],
      names: [],
      bytes: 0,
      timers: 0,
      groups: 0,
    };
    const isClean = (): boolean => JSON.stringify(left()) === JSON.stringify(nothing);
    await eventually(10_000, isClean).catch(() => assert.deepEqual(left(), nothing, `closed at moment ${at}`));
    assert.deepEqual(bugs, []);
    return isReached;
  } finally {
    await pair.stop();
  }
}
