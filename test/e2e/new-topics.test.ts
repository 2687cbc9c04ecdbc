// Topics that the gateway makes itself, on three brokers: the first commands on them succeed, and a pipeline keeps its order.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Redis } from 'ioredis';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { connect } from '../support/redis-client.js';

const rounds = 8;
const pipelined = Array.from({ length: 16 }, (_, n) => `v${n}`);

describe('topics that are made on three brokers', () => {
  let kafka: KafkaServer | undefined;
  let rafka: GatewayProcess | undefined;
  let client: Redis | undefined;

  before(async () => {
    if (whyNoKafka() !== undefined) return;
    kafka = await KafkaServer.start({ nodes: 3 });
    rafka = await GatewayProcess.start({
      config: {
        general: { 'bootstrap.servers': kafka.brokers },
        resp: { streams: { plainLists: true, replicationFactor: 3 } },
      },
    });
    client = await connect(rafka.port);
  });
  after(async () => {
    client?.disconnect();
    await rafka?.stop();
    await kafka?.stop();
  });

  const values = async (topic: string): Promise<(string | undefined)[]> => {
    const entries = (await client!.call('XRANGE', topic, '-', '+')) as [string, string[]][];
    return entries.map(([, fields]) => fields[1]);
  };

  test('pipelined XADDs to a new stream are stored in their order, each of many times', async (t) => {
    if (!met(t, whyNoKafka())) return;
    for (let round = 0; round < rounds; round++) {
      await Promise.all(pipelined.map((value) => client!.call('XADD', `xadd-${round}`, '*', 'value', value)));
      assert.deepEqual(await values(`xadd-${round}`), pipelined);
    }
  });

  test('pipelined RPUSHes to a new list and PUBLISHes to a new channel too', async (t) => {
    if (!met(t, whyNoKafka())) return;
    for (let round = 0; round < rounds; round++) {
      await Promise.all(pipelined.map((value) => client!.call('RPUSH', `list-${round}`, value)));
      assert.deepEqual(await values(`list-${round}`), pipelined);
      await Promise.all(pipelined.map((value) => client!.publish(`channel-${round}`, value)));
      assert.equal(Number(await client!.call('DUMP', '10000')), 0);
      assert.deepEqual(await values(`channel-${round}`), pipelined);
    }
  });

  test('what follows the making of a topic finds it on every broker', async (t) => {
    if (!met(t, whyNoKafka())) return;
    for (let round = 0; round < rounds; round++) {
      const stream = `made-${round}`;
      assert.equal(await client!.call('XGROUP', 'CREATE', stream, 'g', '0', 'MKSTREAM'), 'OK');
      assert.match(String(await client!.call('XADD', stream, '*', 'value', 'one')), /^\d+-\d+$/);
      assert.equal(await client!.call('XLEN', stream), 1);
      assert.equal(await client!.call('XGROUP', 'SETID', stream, 'g', '$'), 'OK');
      const [group] = (await client!.call('XINFO', 'GROUPS', stream)) as unknown[][];
      assert.equal(group?.[1], 'g');
      assert.equal(group?.at(-1), 0, 'lag');
    }
  });
});
