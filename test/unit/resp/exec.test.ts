// EXEC: all of it is in Kafka and has moved, or nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaCode } from '../../../src/core/ports.js';
import { bulk } from '../../conformance/script.js';
import { eventually } from '../../support/eventually.js';
import { fault } from '../../support/fake/fault.js';
import { keyOf } from '../../support/fake/log.js';
import { type RawClient, RespPair } from '../../support/resp-pair.js';

const lines = (...all: string[]): string => all.map((line) => `${line}\r\n`).join('');
const queued = (count: number): string => `+OK\r\n${'+QUEUED\r\n'.repeat(count)}`;

async function withPair(
  settings: Record<string, unknown>,
  run: (pair: RespPair, client: RawClient) => Promise<void>,
): Promise<void> {
  const pair = await RespPair.start({ settings });
  try {
    for (const name of ['in', 'out', 'other']) await pair.kafka.admin.createTopic({ name, partitions: 1 });
    await run(pair, await pair.client());
  } finally {
    await pair.stop();
  }
}

/** Pops the first message of `in`, as the member g:c. */
async function popFirst(client: RawClient): Promise<void> {
  await client.exchange(['CLIENT', 'SETNAME', 'g:c']);
  await client.exchange(['RPUSHX', 'topics:in', 'a', 'b']);
  assert.match(await client.exchange(['BLPOP', 'topics:in', '5']), /\$1\r\na\r\n$/);
}

const committed = async (pair: RespPair): Promise<number | undefined> =>
  (await pair.kafka.admin.groupOffsets('g', [{ topic: 'in', partition: 0 }]))[0]?.offset;

/** Values of a topic as a reader of committed messages sees them. */
async function visible(pair: RespPair, topic: string): Promise<string[]> {
  const consumer = await pair.kafka.consumer({ properties: { 'isolation.level': 'read_committed' } });
  consumer.assign([{ topic, partition: 0, offset: 0 }]);
  const messages = await consumer.poll(100, 20);
  await consumer.close(0);
  return messages.map(({ value }) => String(value));
}

test('records of several topics and the position of the group go together', () =>
  withPair({}, async (pair, client) => {
    await popFirst(client);
    const reply = await client.exchange(
      lines('MULTI', 'RPUSHX topics:out x y', 'XADD other * value z', 'RPUSH acks in:0:0', 'EXEC'),
    );
    assert.match(reply, /^\+OK\r\n\+QUEUED\r\n\+QUEUED\r\n\+QUEUED\r\n\*3\r\n:2\r\n\$\d+\r\n\d+-0\r\n:1\r\n$/);
    assert.deepEqual(await visible(pair, 'out'), ['x', 'y']);
    assert.deepEqual(await visible(pair, 'other'), ['z']);
    assert.equal(await committed(pair), 1);
    assert.equal(pair.stats.snapshot()['transactions.committed'], 1);
  }));

test('a record that Kafka refuses takes the others and the position with it', () =>
  withPair({}, async (pair, client) => {
    await popFirst(client);
    const before = await committed(pair);
    const refusal = fault(KafkaCode.topicAuthorizationFailed, 'Broker: Topic authorization failed');
    pair.kafka.faults.delivery = ({ topic }) => (topic === 'other' ? refusal : undefined);
    const exec = lines('MULTI', 'RPUSHX topics:out x', 'PUBLISH topics:other y', 'RPUSH acks in:0:0', 'EXEC');
    assert.equal(
      await client.exchange(exec),
      `${queued(3)}-EXECABORT Transaction discarded because of: Broker: Topic authorization failed\r\n`,
    );
    assert.deepEqual(await visible(pair, 'out'), []);
    assert.equal(await committed(pair), before);
    pair.kafka.faults.delivery = undefined;
    assert.equal(await client.exchange(exec), `${queued(3)}*3\r\n:1\r\n:1\r\n:1\r\n`);
    assert.deepEqual(await visible(pair, 'out'), ['x']);
  }));

test('a command that is refused aborts what others write and acknowledge', () =>
  withPair({}, async (pair, client) => {
    await popFirst(client);
    assert.equal(
      await client.exchange(lines('MULTI', 'RPUSHX topics:^ x', 'RPUSH acks in:0:0', 'EXEC')),
      `${queued(2)}-EXECABORT Transaction discarded because of: PROD Invalid topic name '^': use 1 to 249 of A-Z a-z 0-9 . _ -\r\n`,
    );
    assert.notEqual(await committed(pair), 1);
  }));

test('what was acknowledged is not written again', () =>
  withPair({}, async (pair, client) => {
    await popFirst(client);
    const exec = lines('MULTI', 'RPUSHX topics:out x', 'RPUSH acks in:0:0', 'EXEC');
    assert.equal(await client.exchange(exec), `${queued(2)}*2\r\n:1\r\n:1\r\n`);
    assert.equal(
      await client.exchange(exec),
      `${queued(2)}-EXECABORT Transaction discarded because of: offset 0 of in:0 is acknowledged already\r\n`,
    );
    assert.deepEqual(await visible(pair, 'out'), ['x']);
  }));

test('a member whose generation is over can move nothing', () =>
  withPair({}, async (pair, client) => {
    await popFirst(client);
    const gone = pair.kafka.moveGroup.bind(pair.kafka);
    pair.kafka.moveGroup = (member, positions, only) => {
      pair.kafka.group('g').generation++;
      gone(member, positions, only);
    };
    assert.match(
      await client.exchange(lines('MULTI', 'RPUSHX topics:out x', 'RPUSH acks in:0:0', 'EXEC')),
      /EXECABORT .*generation id is not valid/,
    );
    assert.deepEqual(await visible(pair, 'out'), []);
  }));

test('one record needs no transaction, and its refusal is its own', () =>
  withPair({}, async (pair, client) => {
    assert.equal(
      await client.exchange(lines('MULTI', 'RPUSHX topics:out x', 'PING', 'EXEC')),
      `${queued(2)}*2\r\n:1\r\n+PONG\r\n`,
    );
    assert.equal(pair.stats.snapshot()['transactions.committed'], 0);
    assert.deepEqual(await visible(pair, 'out'), ['x']);
  }));

test('with transactions off commands run one after the other', () =>
  withPair({ transactions: 'off' }, async (pair, client) => {
    await popFirst(client);
    assert.equal(
      await client.exchange(lines('MULTI', 'RPUSHX topics:out x', 'RPUSHX topics:^ x', 'RPUSH acks in:0:0', 'EXEC')),
      `${queued(3)}*3\r\n:1\r\n-PROD Invalid topic name '^': use 1 to 249 of A-Z a-z 0-9 . _ -\r\n:1\r\n`,
    );
    assert.equal(pair.stats.snapshot()['transactions.committed'], 0);
  }));

test('a blocking command of an EXEC answers at once', () =>
  withPair({}, async (_, client) => {
    await popFirst(client);
    const reply = await client.exchange(lines('MULTI', 'BLPOP topics:in 0', 'BLPOP topics:in 0', 'EXEC'));
    assert.match(reply, new RegExp(`\\*2\\r\\n\\*8\\r\\n.*${bulk('b').replaceAll('$', '\\$')}\\*-1\\r\\n$`, 's'));
  }));

test('no auto-commit is left that could undo what a transaction moves', () =>
  withPair({}, async (pair, client) => {
    await popFirst(client);
    assert.equal(await client.exchange(['RPUSH', 'acks', 'in:0:0']), ':1\r\n');
    assert.match(await client.exchange(['BLPOP', 'topics:in', '5']), /\$1\r\nb\r\n$/);
    const [transactions] = [pair.gateway.transactions!];
    const run = transactions.run.bind(transactions);
    const move = pair.kafka.moveGroup.bind(pair.kafka);
    let before: number | undefined;
    pair.kafka.moveGroup = (...args) => {
      before ??= pair.kafka.group('g').committed.get(keyOf({ topic: 'in', partition: 0 }))?.offset;
      move(...args);
    };
    transactions.run = async (records, acks) => {
      const reports = await run(records, acks);
      assert.equal(before, 1, 'what was stored before is committed before');
      pair.kafka.group('g').committed.clear();
      return reports;
    };
    const exec = lines('MULTI', 'RPUSHX topics:out x', 'RPUSH acks in:0:1', 'EXEC');
    assert.equal(await client.exchange(exec), `${queued(2)}*2\r\n:1\r\n:1\r\n`);
    client.close();
    await eventually(5_000, () => pair.kafka.group('g').members.length === 0);
    assert.equal(await committed(pair), undefined, 'nothing was left to be committed');
  }));
