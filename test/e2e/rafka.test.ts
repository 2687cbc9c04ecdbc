// What Rafka's own clients and tests rely on, on the embedded Kafka and on a real one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import type { Redis } from 'ioredis';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { ack, connect, type Popped, pop } from '../support/redis-client.js';

interface Lab {
  gateway: GatewayProcess;
  stop(): Promise<void>;
}

/** A hundred producers connecting at once on a machine that is busy with other tests take longer than the default. */
const args = ['--produce-timeout', '30000'];

const labs: readonly { name: string; why: () => string | undefined; start: () => Promise<Lab> }[] = [
  {
    name: 'embedded Kafka',
    why: () => undefined,
    start: async () => {
      const gateway = await GatewayProcess.start({ args });
      return { gateway, stop: () => gateway.stop() };
    },
  },
  {
    name: 'real Kafka',
    why: whyNoKafka,
    start: async () => {
      const kafka = await KafkaServer.start();
      const config = {
        general: { 'bootstrap.servers': kafka.brokers, 'go.logs.channel.enable': true },
        consumer: { 'auto.offset.reset': 'earliest', 'session.timeout.ms': 6_000 },
      };
      const gateway = await GatewayProcess.start({ config, args });
      return {
        gateway,
        stop: async () => {
          await gateway.stop();
          await kafka.stop();
        },
      };
    },
  },
];

for (const { name, why, start } of labs) {
  describe(`on the ${name}`, () => {
    let lab: Lab | undefined;
    const clients: Redis[] = [];
    let topics = 0;

    before(async () => {
      if (why() === undefined) lab = await start();
    });
    after(async () => {
      for (const client of clients) client.disconnect();
      await lab?.stop();
    });

    const it = (title: string, run: (port: number) => Promise<void>): void => {
      test(title, async (t) => {
        if (met(t, why())) await run(lab!.gateway.port);
      });
    };
    const open = async (port: number, clientName?: string): Promise<Redis> => {
      const client = await connect(port, clientName);
      clients.push(client);
      return client;
    };
    const newTopic = (): string => `t${Date.now()}-${topics++}`;
    const produce = async (port: number, topic: string, values: readonly string[], key = ''): Promise<void> => {
      const client = await open(port);
      assert.equal(await client.call('RPUSHX', `topics:${topic}${key && `:${key}`}`, ...values), values.length);
      assert.equal(await client.call('DUMP', '10000'), 0);
      client.disconnect();
    };
    const closed = async (client: Redis): Promise<void> => {
      const gone = once(client, 'end');
      client.disconnect();
      await gone;
    };
    const count = (n: number): string[] => Array.from({ length: n }, (_, index) => `m${index}`);

    it('a BLPOP that came first gets the message that is produced later', async (port) => {
      const topic = newTopic();
      const consumer = await open(port, `${topic}:c`);
      const waiting = pop(consumer, `topics:${topic}`, 30);
      await produce(port, topic, ['hello']);
      assert.equal((await waiting)?.value, 'hello');
    });

    it('many messages are consumed, each key in one partition and in order', async (port) => {
      const topic = newTopic();
      await produce(port, topic, count(30), 'a');
      await produce(port, topic, count(30), 'b');
      const consumer = await open(port, `${topic}:c`);
      const got: Popped[] = [];
      while (got.length < 60) {
        const message = await pop(consumer, `topics:${topic}`);
        assert.ok(
          message,
          `nil after ${got.length} of 60: ${JSON.stringify(got.map(({ partition, offset }) => [partition, offset]))}`,
        );
        got.push(message);
      }
      const byPartition = groupByPartition(got);
      for (const messages of byPartition.values()) {
        const offsets = messages.map(({ offset }) => offset);
        assert.deepEqual(
          offsets,
          [...offsets].sort((a, b) => a - b),
        );
      }
      assert.ok(byPartition.size <= 2);
      assert.deepEqual(got.map(({ value }) => value).sort(), [...count(30), ...count(30)].sort());
    });

    it('two members of a group share a topic, and one takes over when the other leaves', async (port) => {
      const topic = newTopic();
      await produce(port, topic, count(1));
      const first = await open(port, `${topic}:one`);
      await ack(first, (await pop(first, `topics:${topic}`))!);
      const second = await open(port, `${topic}:two`);
      const waiting = pop(second, `topics:${topic}`, 60);
      const more = produceUntil(port, topic);
      await keepAlive(first, topic, waiting);
      const taken = await waiting;
      assert.ok(taken, 'the second member got a partition');
      await closed(second);
      assert.ok(await pop(first, `topics:${topic}`, 30), 'the first member goes on');
      await more.stop();
    });

    it('consumers of different topics do not see each other', async (port) => {
      const [a, b] = [newTopic(), newTopic()];
      await produce(port, a, ['in a']);
      await produce(port, b, ['in b']);
      const both = await Promise.all([open(port, `${a}:c`), open(port, `${b}:c`)]);
      const got = await Promise.all([pop(both[0]!, `topics:${a}`), pop(both[1]!, `topics:${b}`)]);
      assert.deepEqual(
        got.map((message) => message?.value),
        ['in a', 'in b'],
      );
    });

    it('several topics come through one consumer, in one key or in several', async (port) => {
      const [a, b] = [newTopic(), newTopic()];
      await produce(port, a, ['in a']);
      await produce(port, b, ['in b']);
      const consumer = await open(port, `${a}:c`);
      const values = new Set<string | undefined>();
      values.add((await pop(consumer, `topics:${a},${b}`))?.value);
      const answer = (await consumer.call('BLPOP', `topics:${b}`, `topics:${a}`, '15')) as unknown[];
      values.add(String(answer[7]));
      assert.deepEqual(values, new Set(['in a', 'in b']));
    });

    it('a group resumes after what it acked', async (port) => {
      const topic = newTopic();
      await produce(port, topic, count(10), 'k');
      const first = await open(port, `${topic}:c`);
      for (let index = 0; index < 4; index += 1) await ack(first, (await pop(first, `topics:${topic}`))!);
      await closed(first);
      const second = await open(port, `${topic}:c`);
      assert.equal((await pop(second, `topics:${topic}`, 30))?.value, 'm4');
    });

    it('a group resumes on four partitions: at most one message a partition and two more come again', async (port) => {
      const topic = newTopic();
      await produce(port, topic, count(40));
      const seen: string[] = [];
      const consume = async (client: Redis, messages: number): Promise<void> => {
        for (let index = 0; index < messages; index += 1) {
          const message = await pop(client, `topics:${topic}`, 30);
          assert.ok(message, `message ${index} of ${messages}`);
          seen.push(message.value);
          await ack(client, message);
        }
      };
      const first = await open(port, `${topic}:c`);
      await consume(first, 20);
      await closed(first);
      const second = await open(port, `${topic}:c`);
      while (new Set(seen).size < 40) await consume(second, 1);
      assert.ok(seen.length <= 40 + 4 + 2, `${seen.length - 40} came again`);
    });

    it('without acks nothing is committed: a group starts over', async (port) => {
      const topic = newTopic();
      await produce(port, topic, count(3), 'k');
      for (const round of ['first', 'second']) {
        const client = await open(port, `${topic}:${round}`);
        assert.equal((await pop(client, `topics:${topic}`, 30))?.offset, 0, round);
        await closed(client);
      }
    });

    it('a name can be taken again as soon as its connection is closed', async (port) => {
      const topic = newTopic();
      await produce(port, topic, count(2), 'k');
      const first = await open(port, `${topic}:c`);
      await ack(first, (await pop(first, `topics:${topic}`))!);
      first.disconnect();
      const second = await open(port, `${topic}:c`);
      assert.equal((await pop(second, `topics:${topic}`, 30))?.value, 'm1');
    });

    it('a name that consumes on another connection is taken, and that connection stays usable', async (port) => {
      const topic = newTopic();
      await produce(port, topic, count(1));
      const owner = await open(port, `${topic}:c`);
      const message = (await pop(owner, `topics:${topic}`))!;
      const other = await open(port, `${topic}:c`);
      await assert.rejects(pop(other, `topics:${topic}`, 1), { message: `CONS id ${topic}:c is already taken` });
      assert.equal(await ack(other, message), 1, 'its acks reach the owner');
      assert.equal(await other.call('PING'), 'PONG');
    });

    it('other topics than the first time are refused; the same ones in another order are not', async (port) => {
      const [a, b] = [newTopic(), newTopic()];
      await produce(port, a, count(2));
      const client = await open(port, `${a}:c`);
      await pop(client, `topics:${a},${b}`);
      await pop(client, `topics:${b},${a}`, 1);
      await assert.rejects(pop(client, `topics:${a}`, 1), {
        message: `CONS Client '${a}:c' has Consumer '${a}:c|${a},${b}' registered (new consID: '${a}:c|${a}')`,
      });
    });

    it("a client's settings count at its first BLPOP only, and must be valid", async (port) => {
      const topic = newTopic();
      await produce(port, topic, count(1));
      const latest = await open(port, `${topic}:late`);
      assert.equal(
        await pop(latest, `topics:${topic}:{"auto.offset.reset":"latest","fetch.min.bytes":1,"check.crcs":true}`, 5),
        undefined,
      );
      assert.equal(await pop(latest, `topics:${topic}:{"auto.offset.reset":"earliest"}`, 1), undefined);
      // A group of its own: the first member still holds partitions, and may hold the one with the message.
      const other = await open(port, `${newTopic()}:other`);
      const refused = /^CONS Failed to register Consumer '.*' for Client '.*:other'/;
      await assert.rejects(pop(other, `topics:${topic}:{"foo":"bar"}`, 1), { message: refused });
      await assert.rejects(pop(other, `topics:${topic}:{"session.timeout.ms":true}`, 1), { message: refused });
      await assert.rejects(pop(other, `topics:${topic}:{"plugin.library.paths":"x"}`, 1), { message: refused });
      await assert.rejects(pop(other, `topics:${topic}:{nonsense`, 1), {
        message: /^CONS Error parsing configuration from/,
      });
      assert.ok(await pop(other, `topics:${topic}:`, 30), 'an empty one is none');
    });

    it('faulty acks are told apart', async (port) => {
      const topic = newTopic();
      await produce(port, topic, count(1), 'k');
      const client = await open(port, `${topic}:c`);
      await assert.rejects(client.call('RPUSH', 'acks', `${topic}:0:0`), {
        message: `CONS No consumer registered for Client ${topic}:c`,
      });
      const { partition } = (await pop(client, `topics:${topic}`))!;
      const faults: [string, RegExp][] = [
        [`${topic}:${partition}:-5`, /^CONS offset cannot be negative, got -5$/],
        [`${topic}:${partition}:foo`, /^CONS Cannot parse ack: /],
        [`${topic}:10`, /^CONS Cannot parse ack: /],
        [topic, /^CONS Cannot parse ack: /],
        [`${topic}:99:0`, /^CONS Partition .*:99 is not assigned to /],
        [`${topic}:${partition}:7`, /^CONS offset 7 of .* does not exist$/],
      ];
      for (const [argument, text] of faults) {
        await assert.rejects(client.call('RPUSH', 'acks', argument), { message: text }, argument);
      }
      await assert.rejects(client.call('RPUSH', 'nacks', `${topic}:0:0`), {
        message: "CONS You can only RPUSH to the 'acks' key",
      });
    });

    it('several acks in one command, and none moves a position back', async (port) => {
      const topic = newTopic();
      await produce(port, topic, count(5), 'k');
      const first = await open(port, `${topic}:c`);
      const got: Popped[] = [];
      while (got.length < 4) got.push((await pop(first, `topics:${topic}`))!);
      const arguments_ = [3, 0].map((index) => `${topic}:${got[index]!.partition}:${got[index]!.offset}`);
      assert.equal(await first.call('RPUSH', 'acks', ...arguments_), 2);
      await closed(first);
      const second = await open(port, `${topic}:c`);
      assert.equal((await pop(second, `topics:${topic}`, 30))?.value, 'm4');
    });

    it('what is not identified or not parsable says so', async (port) => {
      const client = await open(port);
      await assert.rejects(pop(client, 'topics:t', 1), {
        message: 'CONS Connection not ready. Identify yourself using `CLIENT SETNAME` first',
      });
      await client.call('CLIENT', 'SETNAME', 'g:c');
      await assert.rejects(pop(client, 'queue', 1), { message: 'CONS Cannot parse topics from `queue`' });
      await assert.rejects(pop(client, 'topics:t', 'soon'), { message: 'ERR timeout is not a float or out of range' });
      await assert.rejects(pop(client, 'topics:t', -1), { message: 'ERR timeout is negative' });
      await assert.rejects(pop(client, 'topics:^.*', 1), { message: /Invalid topic name/ });
    });

    it('RPUSHX takes both prefixes, keys of any bytes and several messages', async (port) => {
      const client = await open(port);
      const topic = newTopic();
      assert.equal(await client.call('RPUSHX', `topic:${topic}:k:with:colons`, 'm'), 1);
      const key = Buffer.concat([Buffer.from(`topics:${topic}:`), Buffer.from([0, 255, 58, 10])]);
      assert.equal(await client.call('RPUSHX', key, 'm', 'n', Buffer.from([0, 1])), 3);
      assert.equal(await client.call('DUMP', '10000'), 0);
      await assert.rejects(client.call('RPUSHX', 'invalid-arg', 'm'), {
        message: /^PROD First argument must be in the form/,
      });
      await assert.rejects(client.call('RPUSHX', 'topics:t'), { message: 'PROD RPUSHX accepts 2 arguments, got 1' });
      await assert.rejects(client.call('RPUSHX', 'topics:no/topic', 'm'), { message: /Invalid topic name/ });
    });

    it('DUMP without a producer is 0, and takes one number', async (port) => {
      const client = await open(port);
      assert.equal(await client.call('DUMP', '100'), 0);
      await assert.rejects(client.call('DUMP'), { message: 'PROD DUMP accepts 1 argument, got 0' });
      await assert.rejects(client.call('DUMP', 'soon'), { message: 'PROD NaN' });
    });

    it('stats are integers and DEL resets them', async (port) => {
      const client = await open(port);
      const stats = await client.hgetall('stats');
      for (const required of ['producer.unflushed.messages', 'producer.delivery.errors', 'producer.unknown.events']) {
        assert.match(stats[required] ?? '', /^\d+$/);
      }
      for (const value of Object.values(stats)) assert.match(value, /^\d+$/);
      assert.equal(await client.del('stats'), 1);
      assert.equal((await client.hgetall('stats'))['consumer.messages'], '0');
      await assert.rejects(client.hgetall('other'), { message: "ERR Expected key to be 'stats', got OTHER" });
    });

    it('KEYS, SCAN, EXISTS, TYPE and LLEN know the topics', async (port) => {
      const topic = newTopic();
      await produce(port, topic, count(3));
      const client = await open(port);
      const key = `topics:${topic}`;
      await until(async () => (await client.keys('topics:')).includes(key));
      assert.deepEqual(await client.keys(`topics:${topic.slice(0, -1)}?`).then((keys) => keys.includes(key)), true);
      assert.equal((await client.keys('*')).filter((name) => name.startsWith('topics:__')).length, 0);
      await assert.rejects(client.keys('foo'), { message: "ERR Expected argument to be 'topics:', got foo" });
      const seen: string[] = [];
      for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
        const [next, page] = await client.scan(cursor, 'COUNT', 5);
        seen.push(...page);
        cursor = next;
      }
      assert.ok(seen.includes(key));
      assert.equal(await client.exists(key, 'topics:none'), 1);
      assert.equal(await client.type(key), 'list');
      assert.equal(await client.llen(key), 3);
    });

    it('a hundred clients with names of their own work at once', async (port) => {
      const topic = newTopic();
      const all = await Promise.all(Array.from({ length: 100 }, (_, index) => open(port, `g${index}:c`)));
      const answers = await Promise.all(
        all.map((client, index) => client.call('RPUSHX', `topics:${topic}`, `m${index}`)),
      );
      assert.ok(answers.every((answer) => answer === 1));
      assert.deepEqual(new Set(await Promise.all(all.map((client) => client.call('DUMP', '15000')))), new Set([0]));
      for (const client of all) client.disconnect();
    });

    it('a time-out in milliseconds, as Rafka documents it, and in seconds, as Redis does', async (port) => {
      const topic = newTopic();
      const client = await open(port, `${topic}:c`);
      for (const timeout of ['1000', '0.5']) {
        const startedAt = performance.now();
        assert.equal(await pop(client, `topics:${topic}`, timeout), undefined);
        assert.ok(performance.now() - startedAt < 30_000, `${timeout} was not read as ${timeout} times a thousand`);
      }
    });
  });
}

function groupByPartition(messages: readonly Popped[]): Map<number, Popped[]> {
  const groups = new Map<number, Popped[]>();
  for (const message of messages) groups.set(message.partition, [...(groups.get(message.partition) ?? []), message]);
  return groups;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 15_000; !(await condition()); ) {
    assert.ok(Date.now() < deadline, 'the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Keeps producing, so that whoever joins has something to get. */
function produceUntil(port: number, topic: string): { stop(): Promise<void> } {
  let going = true;
  const run = async (): Promise<void> => {
    const client = await connect(port);
    for (let index = 0; going; index += 1) {
      await client.call('RPUSHX', `topics:${topic}`, `more${index}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    client.disconnect();
  };
  const running = run();
  return {
    async stop() {
      going = false;
      await running;
    },
  };
}

/** A member that keeps asking until the promise is settled. */
async function keepAlive(client: Redis, topic: string, promise: Promise<unknown>): Promise<void> {
  let settled = false;
  void promise.finally(() => {
    settled = true;
  });
  while (!settled) await pop(client, `topics:${topic}`, 1);
}
