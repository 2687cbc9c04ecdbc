// The embedded Kafka says that it is one, wherever an operator looks.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { freePort, GatewayProcess } from '../support/gateway.js';
import { connect, workerOf } from '../support/redis-client.js';

const bin = join(import.meta.dirname, '../../../bin/rafka');

describe('the embedded Kafka', () => {
  let gateway: GatewayProcess;
  let opsPort: number;

  before(async () => {
    opsPort = await freePort();
    const args = ['--embedded', '--workers', '2', '--ops-port', String(opsPort)];
    gateway = await GatewayProcess.start({ args, env: { NODE_ENV: 'production' } });
  });
  after(() => gateway.stop());

  test('INFO, /readyz and the log tell it from a Kafka that keeps what it is given', async () => {
    const client = await connect(gateway.port);
    assert.match(String(await client.call('INFO', 'kafka')), /kafka_embedded:1\r\n/);
    client.disconnect();
    const ready = await fetch(`http://127.0.0.1:${opsPort}/readyz`);
    assert.match(await ready.text(), /^ok\nembedded Kafka: nothing is kept/);
    const said = gateway.lines.find(({ msg }) => msg.startsWith('EMBEDDED KAFKA'));
    assert.ok(said, 'the log says it');
    assert.ok(!said.msg.includes('\x1b'), 'plain text where nobody sees colours');
  });

  test('resp.streams.partitions counts there, in every worker and for every topic', async () => {
    const config = { embedded: true, resp: { workers: 2, streams: { partitions: 1 } } };
    const single = await GatewayProcess.start({ config });
    const clients = await Promise.all(Array.from({ length: 4 }, () => connect(single.port)));
    try {
      const ids: string[] = [];
      for (let n = 0; n < 12; n++) {
        const client = clients[n % clients.length]!;
        ids.push(String(await client.call('XADD', 's', '*', 'key', `k${n}`, 'value', 'v')));
        ids.push(String(await client.call('XADD', 's', '*', 'value', 'v')));
        await client.call('RPUSHX', `topics:pushed:k${n}`, 'v');
      }
      assert.deepEqual(
        ids.map((id) => BigInt(id.split('-')[1]!)),
        ids.map((_, offset) => BigInt(offset) << 16n),
      );
      for (const client of clients) await client.call('DUMP', '5000');
      // A worker's list of topics may be a second old.
      const entries = async () => (await clients[0]!.call('XRANGE', 'pushed', '-', '+')) as [string, string[]][];
      await eventually(10_000, async () => (await entries()).length === 12);
      const pushed = await entries();
      assert.ok(pushed.every(([id]) => BigInt(id.split('-')[1]!) % 65_536n === 0n));
    } finally {
      for (const client of clients) client.disconnect();
      await single.stop();
    }
  });

  test('a BLPOP of a missing list gets its first element from another worker, though it ends before the group has joined', async () => {
    const config = { embedded: true, resp: { workers: 2, streams: { plainLists: true } } };
    const own = await GatewayProcess.start({ config });
    const clients = await Promise.all(Array.from({ length: 8 }, () => connect(own.port)));
    try {
      const workers = await Promise.all(clients.map(workerOf));
      const pusher = clients[workers.findIndex((worker) => worker !== workers[0])];
      assert.ok(pusher, 'both workers have clients');
      const popped = clients[0]!.call('BLPOP', 'jobs', '1');
      assert.equal(await pusher.call('RPUSH', 'jobs', 'first'), 1);
      assert.deepEqual(await popped, ['jobs', 'first']);
    } finally {
      for (const client of clients) client.disconnect();
      await own.stop();
    }
  });

  test('with NODE_ENV=production it is not what a forgotten -c falls back to', () => {
    const env = { ...process.env, NODE_ENV: 'production' };
    const { status, stderr } = spawnSync(bin, ['--port', '0'], { env, encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, /^rafka: NODE_ENV is production, and no Kafka is configured/);
  });
});
