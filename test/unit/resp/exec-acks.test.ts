// EXEC with XACK and with pops of lists: entries go with what is written, or stay.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaCode } from '../../../src/core/ports.js';
import { bulk } from '../../conformance/script.js';
import { fault } from '../../support/fake/fault.js';
import { keyOf } from '../../support/fake/log.js';
import { type RawClient, RespPair } from '../../support/resp-pair.js';

const lines = (...all: string[]): string => all.map((line) => `${line}\r\n`).join('');
const queued = (count: number): string => `+OK\r\n${'+QUEUED\r\n'.repeat(count)}`;

async function withPair(run: (pair: RespPair, client: RawClient) => Promise<void>): Promise<void> {
  const pair = await RespPair.start({ settings: { streams: { plainLists: true, listGroup: 'lists' } } });
  try {
    for (const name of ['in', 'out']) await pair.kafka.admin.createTopic({ name, partitions: 1 });
    for (const value of ['a', 'b', 'c', 'd']) pair.kafka.seed('in', 0, value);
    await run(pair, await pair.client());
  } finally {
    await pair.stop();
  }
}

const outLength = (pair: RespPair): number => pair.kafka.partition('out', 0)!.end(true);

const refuseOut = (pair: RespPair): void => {
  const refusal = fault(KafkaCode.topicAuthorizationFailed, 'Broker: Topic authorization failed');
  pair.kafka.faults.delivery = ({ topic }) => (topic === 'out' ? refusal : undefined);
};

/** The position of `g` in `in`, with what is acknowledged above it. */
function committed(pair: RespPair, group = 'g.in'): [number, string] | undefined {
  const found = pair.kafka.group(group).committed.get(keyOf({ topic: 'in', partition: 0 }));
  return found && [found.offset, found.metadata];
}

/** Reads all four entries as a member of `g`. @returns their ids */
async function readAll(client: RawClient): Promise<string[]> {
  await client.exchange(['XGROUP', 'CREATE', 'in', 'g', '0']);
  const reply = await client.exchange(['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '10', 'STREAMS', 'in', '>']);
  const ids = reply.match(/\d+-\d+/g) ?? [];
  assert.equal(ids.length, 4, reply);
  return ids;
}

test('XACK out of order: the ack goes with the records, in the metadata of the position', () =>
  withPair(async (pair, client) => {
    const ids = await readAll(client);
    const exec = lines('MULTI', 'RPUSHX topics:out x', `XACK in g ${ids[2]} ${ids[2]}`, 'EXEC');
    assert.equal(await client.exchange(exec), `${queued(2)}*2\r\n:1\r\n:1\r\n`);
    assert.deepEqual(committed(pair), [0, 'CB']);
    assert.match(await client.exchange(['XPENDING', 'in', 'g']), /^\*4\r\n:3\r\n/);
    assert.equal(
      await client.exchange(lines('MULTI', `XACK in g ${ids[0]}`, 'XLEN out', 'EXEC')),
      `${queued(2)}*2\r\n:1\r\n:1\r\n`,
    );
    assert.deepEqual(committed(pair), [1, 'BB']);
    assert.equal(await client.exchange(['XACK', 'in', 'g', ids[1]!]), ':1\r\n');
    assert.equal(await client.exchange(lines('MULTI', `XACK in g ${ids[3]}`, 'EXEC')), `${queued(1)}*1\r\n:1\r\n`);
    assert.deepEqual(committed(pair), [4, '']);
  }));

test('what is acknowledged already is not written for again; without records it counts 0', () =>
  withPair(async (pair, client) => {
    const ids = await readAll(client);
    const exec = lines('MULTI', 'RPUSHX topics:out x', `XACK in g ${ids[0]}`, 'EXEC');
    assert.equal(await client.exchange(exec), `${queued(2)}*2\r\n:1\r\n:1\r\n`);
    assert.match(await client.exchange(exec), /EXECABORT .* offset 0 of in:0 is not pending here/);
    assert.equal(outLength(pair), 1);
    const acks = lines('MULTI', `XACK in g ${ids[0]} ${ids[1]}`, `XACK in g ${ids[1]}`, 'XACK in other 1-1', 'EXEC');
    assert.equal(await client.exchange(acks), `${queued(3)}*3\r\n:1\r\n:0\r\n:0\r\n`);
  }));

test('where a record is refused, entries stay pending and nothing is committed', () =>
  withPair(async (pair, client) => {
    const ids = await readAll(client);
    const before = committed(pair);
    refuseOut(pair);
    const exec = lines('MULTI', 'RPUSHX topics:out x', `XACK in g ${ids[0]}`, 'PING', 'EXEC');
    assert.match(await client.exchange(exec), /EXECABORT /);
    assert.deepEqual(committed(pair), before);
    assert.match(await client.exchange(['XPENDING', 'in', 'g']), /^\*4\r\n:4\r\n/);
    pair.kafka.faults.delivery = undefined;
    assert.equal(await client.exchange(exec), `${queued(3)}*3\r\n:1\r\n:1\r\n+PONG\r\n`);
    assert.deepEqual(committed(pair), [1, '']);
  }));

test('a pop in EXEC acknowledges what was popped before it, with the records', () =>
  withPair(async (pair, client) => {
    assert.equal(await client.exchange(['BLPOP', 'in', '5']), `*2\r\n${bulk('in')}${bulk('a')}`);
    const exec = lines('MULTI', 'RPUSH out x', 'LPOP in', 'LPOP in', 'EXEC');
    assert.equal(await client.exchange(exec), `${queued(3)}*3\r\n:1\r\n${bulk('b')}${bulk('c')}`);
    assert.deepEqual(committed(pair, 'lists.in'), [1, '']);
    assert.equal(
      await client.exchange(lines('MULTI', 'RPUSH out x', 'RPOP in', 'EXEC')),
      `${queued(2)}*2\r\n:1\r\n${bulk('d')}`,
    );
    assert.deepEqual(committed(pair, 'lists.in'), [3, '']);
  }));

test('where it is aborted, what it popped is given back, and what was popped before is not acknowledged', () =>
  withPair(async (pair, client) => {
    assert.equal(await client.exchange(['LPOP', 'in']), bulk('a'));
    const before = committed(pair, 'lists.in');
    refuseOut(pair);
    assert.match(await client.exchange(lines('MULTI', 'RPUSHX topics:out x', 'LPOP in', 'EXEC')), /EXECABORT /);
    assert.deepEqual(committed(pair, 'lists.in'), before);
    pair.kafka.faults.delivery = undefined;
    assert.equal(
      await client.exchange(lines('MULTI', 'RPUSHX topics:out x', 'LPOP in', 'EXEC')),
      `${queued(2)}*2\r\n:1\r\n${bulk('b')}`,
    );
    assert.deepEqual(committed(pair, 'lists.in'), [1, '']);
  }));

test('a message that an aborted EXEC took with BLPOP is answered by the next one', () =>
  withPair(async (pair, client) => {
    await client.exchange(['CLIENT', 'SETNAME', 'g:c']);
    assert.match(await client.exchange(['BLPOP', 'topics:in', '5']), /\$1\r\na\r\n$/);
    refuseOut(pair);
    const exec = lines('MULTI', 'RPUSHX topics:out x', 'BLPOP topics:in 1', 'RPUSH acks in:0:0', 'EXEC');
    assert.match(await client.exchange(exec), /EXECABORT /);
    assert.match(await client.exchange(['BLPOP', 'topics:in', '5']), /\$1\r\nb\r\n$/);
  }));
