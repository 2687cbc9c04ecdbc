// A connection that closes at any moment of any command leaves nothing open: no client of Kafka, no tail, no timer, no name.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Clock, KafkaFactory } from '../../../../src/core/ports.js';
import { noSiblings, type Siblings } from '../../../../src/resp/siblings/siblings.js';
import { realClock } from '../../../support/clock.js';
import { eventually } from '../../../support/eventually.js';
import type { FakeKafka } from '../../../support/fake-kafka.js';
import { RespPair } from '../../../support/resp-pair.js';

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

const quick = { idleMs: 1, pendingTimeoutMs: 1, plainLists: true, readTimeoutMs: 2_000 };
/** Moments tried at most; of what waits, which polls and goes on making them. */
const mostMoments = 20;
const mostWaiting = 6;

interface Case {
  readonly before?: readonly (readonly string[])[];
  readonly command: readonly string[];
  /** Records in the topic `t` before. */
  readonly records?: number;
  readonly settings?: Record<string, unknown>;
  readonly waits?: true;
  /** Its entries are pending: they wait in their group for whoever asks next. */
  readonly leavesEntries?: true;
}

const consumeKey = 'topics:t:{"auto.offset.reset":"earliest"}';
const pairKey = 'topics:t:{"auto.offset.reset":"earliest","rafka.reply":"pair"}';
const group = ['XGROUP', 'CREATE', 't', 'g', '0', 'MKSTREAM'];

const cases: Record<string, Case> = {
  'SUBSCRIBE of two channels': { before: [['HELLO', '3']], command: ['SUBSCRIBE', 't', 'u'] },
  'PSUBSCRIBE of two patterns': { before: [['HELLO', '3']], command: ['PSUBSCRIBE', 't*', 'u*'], records: 1 },
  'RPUSHX of two messages': { command: ['RPUSHX', 'topics:t', 'a', 'b'] },
  'RPUSHX that is answered when delivered': {
    command: ['RPUSHX', 'topics:t', 'a', 'b'],
    settings: { rpushx: 'delivered' },
  },
  'PUBLISH to a new topic': { command: ['PUBLISH', 'new', 'a'] },
  'RPUSHX and DUMP': { before: [['RPUSHX', 'topics:t', 'a']], command: ['DUMP', '1000'] },
  BLPOP: { before: [['CLIENT', 'SETNAME', 'g:a']], command: ['BLPOP', consumeKey, '1'], records: 1 },
  'BLPOP that waits': { before: [['CLIENT', 'SETNAME', 'g:a']], command: ['BLPOP', consumeKey, '1'], waits: true },
  'BLPOP of pairs': { before: [['CLIENT', 'SETNAME', 'g:a']], command: ['BLPOP', pairKey, '1'], records: 1 },
  'acks of what was not read': {
    before: [
      ['CLIENT', 'SETNAME', 'g:a'],
      ['BLPOP', consumeKey, '1'],
    ],
    command: ['RPUSH', 'acks', 't:1:0', 't:2:0', 't:99:0'],
    records: 1,
  },
  'acks of another connection of the name': {
    before: [['CLIENT', 'SETNAME', 'g:a']],
    command: ['RPUSH', 'acks', 't:0:0', 't:1:0'],
  },
  'CLIENT SETNAME of a strict name': { command: ['CLIENT', 'SETNAME', 'g:a'], settings: { strictNames: true } },
  MONITOR: { command: ['MONITOR'] },
  RESET: {
    before: [
      ['HELLO', '3'],
      ['CLIENT', 'SETNAME', 'g:a'],
      ['BLPOP', consumeKey, '1'],
      ['SUBSCRIBE', 't'],
    ],
    command: ['RESET'],
    records: 1,
  },
  'XADD to a new stream': { command: ['XADD', 'new', '*', 'f', 'v'] },
  'XGROUP CREATE': { command: ['XGROUP', 'CREATE', 'new', 'g', '$', 'MKSTREAM'] },
  'XREAD that waits': { command: ['XREAD', 'BLOCK', '100', 'STREAMS', 't', 'u', '$', '$'], records: 1, waits: true },
  XREAD: { command: ['XREAD', 'COUNT', '2', 'STREAMS', 't', '0'], records: 3 },
  XRANGE: { command: ['XRANGE', 't', '-', '+'], records: 3 },
  'XREADGROUP that waits': {
    before: [group],
    command: ['XREADGROUP', 'GROUP', 'g', 'm', 'BLOCK', '100', 'STREAMS', 't', '>'],
    records: 0,
    waits: true,
  },
  XREADGROUP: {
    before: [group],
    command: ['XREADGROUP', 'GROUP', 'g', 'm', 'BLOCK', '3000', 'STREAMS', 't', '>'],
    records: 3,
    leavesEntries: true,
  },
  XAUTOCLAIM: {
    before: [group, ['XREADGROUP', 'GROUP', 'g', 'm', 'BLOCK', '3000', 'STREAMS', 't', '>']],
    command: ['XAUTOCLAIM', 't', 'g', 'n', '0', '0'],
    records: 3,
    settings: { streams: { ...quick, pendingBytes: 0 } },
    leavesEntries: true,
  },
  'RPUSH to a plain list': { command: ['RPUSH', 'new', 'a', 'b'] },
  'BLPOP of plain lists': { command: ['BLPOP', 't', 'u', '1'], records: 1, leavesEntries: true, waits: true },
  'BLPOP of plain lists that waits': { command: ['BLPOP', 't', 'u', '0.1'], waits: true },
};

describe('a connection that closes while a command waits', () => {
  for (const [name, wanted] of Object.entries(cases)) {
    test(`${name}: at each moment nothing is left open`, async () => {
      let tried = 0;
      for (let at = 1; at <= (wanted.waits ? mostWaiting : mostMoments); at++) {
        const reached = await tryAt(at, wanted);
        if (!reached) break;
        tried++;
      }
      assert.ok(tried > 0, 'it never waits');
    });
  }
});

/** @returns false when the command was answered before the moment came. */
async function tryAt(
  at: number,
  { before = [], command, records, settings = {}, leavesEntries }: Case,
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
    for (const each of before) await client.exchange(each);
    const connection = [...pair.server.clients()][0]!;
    const gone = async (): Promise<void> => {
      connection.destroy();
      while (pair.server.clientCount > 0) await new Promise((resolve) => setImmediate(resolve));
    };
    moments.arm(at, gone);
    const answered = client.exchange(command);
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
