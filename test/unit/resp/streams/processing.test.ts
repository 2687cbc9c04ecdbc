// LMOVE and LREM: a list whose elements stay pending in <key>:processing, whoever acknowledges them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bulk } from '../../../conformance/script.js';
import { eventually } from '../../../support/eventually.js';
import { keyOf } from '../../../support/fake/log.js';
import { type RawClient, RespPair } from '../../../support/resp-pair.js';

async function withJobs(
  pendingTimeoutMs: number,
  run: (pair: RespPair, client: RawClient) => Promise<void>,
): Promise<void> {
  const streams = { plainLists: true, listGroup: 'lists', commitIntervalMs: 1, pendingTimeoutMs };
  const pair = await RespPair.start({ settings: { streams } });
  try {
    await pair.kafka.admin.createTopic({ name: 'jobs', partitions: 1 });
    for (const value of ['a', 'b', 'a']) pair.kafka.seed('jobs', 0, value);
    await run(pair, await pair.client());
  } finally {
    await pair.stop();
  }
}

const take = ['LMOVE', 'jobs', 'jobs:processing', 'LEFT', 'RIGHT'];

const committed = (pair: RespPair): number | undefined =>
  pair.kafka.group('lists.jobs').committed.get(keyOf({ topic: 'jobs', partition: 0 }))?.offset;

test('an element stays in processing when its connection closes, and another one acknowledges it', () =>
  withJobs(60_000, async (pair, client) => {
    assert.equal(await client.exchange(take), bulk('a'));
    assert.equal(await client.exchange(['RPOPLPUSH', 'jobs', 'jobs:processing']), bulk('b'));
    client.close();
    const other = await pair.client();
    assert.equal(await other.exchange(['LRANGE', 'jobs:processing', '0', '-1']), `*2\r\n${bulk('a')}${bulk('b')}`);
    assert.equal(await other.exchange(['LLEN', 'jobs:processing']), ':2\r\n');
    assert.equal(await other.exchange(['LLEN', 'jobs']), ':1\r\n');
    assert.equal(await other.exchange(['LREM', 'jobs:processing', '1', 'a']), ':1\r\n');
    assert.equal(await other.exchange(['LREM', 'jobs:processing', '1', 'a']), ':0\r\n');
    await eventually(5_000, () => committed(pair) === 1);
    assert.equal(await other.exchange(['BLMOVE', 'jobs', 'jobs:processing', 'LEFT', 'LEFT', '5']), bulk('a'));
    assert.equal(await other.exchange(take), '$-1\r\n');
    assert.equal(await other.exchange(['LREM', 'jobs:processing', '0', 'b']), ':1\r\n');
    assert.equal(await other.exchange(['LREM', 'jobs:processing', '-1', 'a']), ':1\r\n');
    await eventually(5_000, () => committed(pair) === 3);
  }));

test('what nobody acknowledges in time is taken again, and so is what is moved back', () =>
  withJobs(1, async (_, client) => {
    assert.equal(await client.exchange(take), bulk('a'));
    await eventually(9_000, async () => (await client.exchange(['LLEN', 'jobs:processing'])) === ':0\r\n');
    assert.equal(await client.exchange(take), bulk('a'));
    assert.equal(await client.exchange(['LMOVE', 'jobs:processing', 'jobs', 'LEFT', 'LEFT']), bulk('a'));
    assert.equal(await client.exchange(take), bulk('a'));
  }));

test('LREM in EXEC goes with what is written, once', () =>
  withJobs(60_000, async (pair, client) => {
    await pair.kafka.admin.createTopic({ name: 'out', partitions: 1 });
    await client.exchange(['LMOVE', 'jobs', 'jobs:processing', 'LEFT', 'RIGHT']);
    const exec = 'MULTI\r\nRPUSHX topics:out x\r\nLREM jobs:processing 1 a\r\nEXEC\r\n';
    assert.equal(await client.exchange(exec), '+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:1\r\n');
    assert.equal(committed(pair), 1);
    assert.match(await client.exchange(exec), /EXECABORT .* no such element of jobs is in processing/);
    assert.equal(pair.kafka.partition('out', 0)!.end(true), 1);
  }));

test('other moves, and other lists to remove from, are refused', () =>
  withJobs(60_000, async (_, client) => {
    assert.match(
      await client.exchange(['LMOVE', 'jobs', 'done', 'LEFT', 'RIGHT']),
      /^-ERR 'jobs' cannot be moved to 'done'/,
    );
    assert.match(await client.exchange(['LREM', 'jobs', '1', 'a']), /^-ERR nothing can be removed from 'jobs'/);
  }));
