// Groups that no consumer of ours makes: Kafka Connect's, the Schema Registry's, and members whose metadata and assignments are no
// protocol's. Any client may make them: they are listed and described, without partitions, and disturb nobody.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { KafkaFactory } from '../../../src/core/ports.js';
import { createKafkaFactory } from '../../../src/kafka/factory.js';
import { freePort, GatewayProcess } from '../../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../../support/kafka-server.js';
import { int16, int32, KafkaWire, list, text } from '../../support/kafka-wire.js';
import { met } from '../../support/needs.js';
import { silent } from '../../support/pixy-lab.js';
import { connect } from '../../support/redis-client.js';

const topic = 'orders';
const none = Buffer.alloc(0);
/** Version 0, no topics, no user data. A broker does not answer a consumer whose list of topics is longer than its metadata. */
const noTopics = Buffer.alloc(6);
const manyTopics = Buffer.concat([int16(0), int32(2 ** 31 - 1)]);
const cutShort = Buffer.concat([int16(0), list([text(topic)])]);

/** Group, protocol type, metadata, assignment. */
const odd: readonly (readonly [string, string, Buffer, Buffer])[] = [
  ['connect-workers', 'connect', Buffer.from('{"url":"http://a:8083/"}'), Buffer.from([0, 1, 0])],
  ['schema-registry', 'sr', Buffer.from('{"host":"a","version":1}'), Buffer.from('{"error":0}')],
  ['empty', 'consumer', none, none],
  ['empty-of-connect', 'connect', none, none],
  ['empty-of-sr', 'sr', none, none],
  ['one-byte', 'consumer', Buffer.from([7]), Buffer.from([7])],
  ['one-byte-of-connect', 'connect', Buffer.from([0]), Buffer.from([0])],
  ['one-byte-of-sr', 'sr', Buffer.from([255]), Buffer.from([255])],
  ['many-topics', 'consumer', noTopics, manyTopics],
  ['cut-short', 'consumer', noTopics, cutShort],
  ['not-utf8', 'consumer', Buffer.from([0xff, 0xfe]), Buffer.alloc(300, 0xff)],
];

describe('groups of other protocols', { timeout: 120_000 }, () => {
  let kafka: KafkaServer | undefined;
  let broker: KafkaWire | undefined;
  let factory: KafkaFactory | undefined;
  let rafka: GatewayProcess | undefined;
  let httpPort = 0;

  before(async () => {
    if (whyNoKafka() !== undefined) return;
    kafka = await KafkaServer.start();
    broker = await KafkaWire.open(kafka.brokers);
    await broker.createTopics([topic]);
    for (const group of odd) await broker.join(...group);
    factory = await createKafkaFactory({ general: { 'bootstrap.servers': kafka.brokers }, log: silent });
    httpPort = await freePort();
    rafka = await GatewayProcess.start({
      config: {
        general: { 'bootstrap.servers': kafka.brokers },
        http: { port: httpPort },
        resp: { streams: { allowDelete: true } },
      },
    });
  });
  after(async () => {
    await rafka?.stop();
    await factory?.close();
    broker?.close();
    await kafka?.stop();
  });

  test('described with their member and no partition, and asked for offsets', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const { admin } = factory!;
    const names = odd.map(([name]) => name);
    const described = await admin.describeGroups(names);
    assert.deepEqual(
      described.map(({ groupId, state, members }) => [groupId, state, members.map((each) => each.assignments.size)]),
      names.map((name) => [name, 'STABLE', [0]]),
    );
    const consumers = odd.filter(([, type]) => type === 'consumer').map(([name]) => name);
    const listed = await admin.groups();
    assert.deepEqual(
      consumers.filter((name) => !listed.includes(name)),
      [],
    );
    for (const name of names) assert.deepEqual(await admin.groupOffsets(name, [{ topic, partition: 0 }]), []);
  });

  test('GET /topics/x/consumers, XINFO and DEL leave them out, and the gateway goes on', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const consumers = async (query = '') => {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/topics/${topic}/consumers${query}`);
      return [answer.status, await answer.text()];
    };
    assert.deepEqual(await consumers(), [200, '{}']);
    for (const [name] of odd) {
      assert.equal((await consumers(`?group=${name}`))[0], 400, name);
      const offsets = await fetch(`http://127.0.0.1:${httpPort}/topics/${topic}/offsets?group=${name}`);
      assert.deepEqual([offsets.status, ((await offsets.json()) as unknown[]).length], [200, 1], name);
    }
    const client = await connect(rafka!.port);
    t.after(() => client.disconnect());
    await client.call('XADD', topic, '*', 'field', 'value');
    await client.call('XGROUP', 'CREATE', topic, 'g', '0');
    const groups = (await client.call('XINFO', 'GROUPS', topic)) as unknown[][];
    assert.deepEqual(
      groups.map((group) => group[1]),
      ['g'],
    );
    assert.deepEqual(await client.call('XINFO', 'CONSUMERS', topic, 'g'), []);
    assert.equal(await client.call('XGROUP', 'DESTROY', topic, 'g'), 1);
    assert.equal(await client.call('DEL', topic), 1);
  });
});
