// A stream that is deleted and made again is another stream: nothing of the old one counts for the new one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../support/eventually.js';
import { type RawClient, RespPair } from '../../../support/resp-pair.js';

async function withStreams(run: (pair: RespPair, client: RawClient, other: RawClient) => Promise<void>): Promise<void> {
  const streams = { partitions: 1, allowDelete: true, plainLists: true, commitIntervalMs: 1 };
  const pair = await RespPair.start({ settings: { streams } });
  try {
    await run(pair, await pair.client(), await pair.client());
  } finally {
    await pair.stop();
  }
}

const command = (client: RawClient, ...argv: (string | number)[]): Promise<string> => client.exchange(argv.map(String));
const read = (client: RawClient, block: number): Promise<string> =>
  command(client, 'XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', block, 'STREAMS', 's', '>');
const valuesIn = (reply: string): string[] =>
  [...reply.matchAll(/value\r\n\$\d+\r\n(\w+)\r\n/g)].map(([, value]) => value!);

const ended = '-NOGROUP the consumer group this client was blocked on no longer exists\r\n';

async function addSix(client: RawClient, name: string): Promise<string[]> {
  const values = Array.from({ length: 6 }, (_, n) => `${name}${n}`);
  for (const value of values) await command(client, 'XADD', 's', '*', 'value', value);
  return values;
}

async function readSix(client: RawClient): Promise<string[]> {
  const seen: string[] = [];
  await eventually(9_000, async () => {
    seen.push(...valuesIn(await read(client, 100)));
    return seen.length >= 6;
  });
  return seen;
}

/** How often the ids of topics were looked at. */
function countLooks({ kafka: { admin } }: RespPair): () => number {
  const identity = admin.identity.bind(admin);
  let looks = 0;
  admin.identity = async (topics) => {
    const known = await identity(topics);
    looks++;
    return known;
  };
  return () => looks;
}

test('DEL of a stream and the same name again: the group is made anew, and reads all of it', () =>
  withStreams(async (_, client) => {
    await addSix(client, 'old');
    assert.equal(await command(client, 'XGROUP', 'CREATE', 's', 'g', '0'), '+OK\r\n');
    await readSix(client);
    assert.equal(await command(client, 'DEL', 's'), ':1\r\n');
    assert.match(await read(client, 10), /^-NOGROUP No such key/);
    const values = await addSix(client, 'new');
    assert.match(await read(client, 10), /^-NOGROUP No such key/);
    assert.equal(await command(client, 'XGROUP', 'CREATE', 's', 'g', '0'), '+OK\r\n');
    assert.deepEqual(await readSix(client), values);
  }));

for (const [what, ...how] of [
  ['DEL', 'DEL', 's'],
  ['XGROUP DESTROY', 'XGROUP', 'DESTROY', 's', 'g'],
] as const) {
  test(`a reader that waits is told by ${what} that its group is there no more`, () =>
    withStreams(async (pair, client, other) => {
      await addSix(client, 'v');
      await command(client, 'XGROUP', 'CREATE', 's', 'g', '$');
      await read(client, 1);
      client.send(['XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', '0', 'STREAMS', 's', '>']);
      await eventually(9_000, () => [...pair.server.clients()].some(({ status }) => status.isWaiting));
      assert.equal(await command(other, ...how), ':1\r\n');
      await client.take(ended);
    }));
}

test('a stream that others delete and make again ends its groups, and nothing of them stays committed', () =>
  withStreams(async (pair, client) => {
    const looks = countLooks(pair);
    await addSix(client, 'old');
    await command(client, 'XGROUP', 'CREATE', 's', 'g', '0');
    await readSix(client);
    await eventually(9_000, () => looks() > 0);
    client.send(['XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', '0', 'STREAMS', 's', '>']);
    const group = pair.kafka.groups.get('g.s')!;
    pair.kafka.createTopic('s', 1);
    await client.take(ended);
    await eventually(9_000, () => group.committed.size === 0);
  }));

test('a pop that waits for a list goes on when the list is deleted, and gets what comes to the new one', () =>
  withStreams(async (pair, client, other) => {
    await command(other, 'RPUSH', 'q', 'old');
    assert.match(await command(client, 'BLPOP', 'q', '9'), /old/);
    client.send(['BLPOP', 'q', '0']);
    await eventually(9_000, () => [...pair.server.clients()].some(({ status }) => status.isWaiting));
    assert.equal(await command(other, 'DEL', 'q'), ':1\r\n');
    await command(other, 'RPUSH', 'q', 'new');
    await client.take('*2\r\n$1\r\nq\r\n$3\r\nnew\r\n');
  }));

test('XREAD that waits on a stream that others delete and make again gets all of the new one', () =>
  withStreams(async (pair, client) => {
    const looks = countLooks(pair);
    await addSix(client, 'old');
    client.send(['XREAD', 'BLOCK', '0', 'STREAMS', 's', '$']);
    await eventually(9_000, () => looks() > 0);
    const topic = pair.kafka.createTopic('s', 1);
    for (const value of ['one', 'two']) pair.kafka.seed('s', 0, value, { timestamp: 1 });
    assert.equal(topic.partitions[0]!.high, 2);
    await client.until(() => client.received.includes('one\r\n'));
  }));

test('an id that XREAD answered before DEL is a time in the stream that is made anew', () =>
  withStreams(async (_, client) => {
    await addSix(client, 'old');
    const first = await command(client, 'XREAD', 'STREAMS', 's', '0');
    const last = [...first.matchAll(/\r\n(\d+-\d+)\r\n/g)].at(-1)![1]!;
    await command(client, 'DEL', 's');
    const values = await addSix(client, 'new');
    assert.deepEqual(valuesIn(await command(client, 'XREAD', 'STREAMS', 's', last)), values);
  }));
