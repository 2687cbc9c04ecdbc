// What a real broker refuses of a collector's topics and records: all others go on.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { KafkaServer, saslUser, whyNoKafka } from '../support/kafka-server.js';
import { KafkaWire } from '../support/kafka-wire.js';
import { met } from '../support/needs.js';
import { makeTopic, openKafka } from '../support/relay-clusters.js';
import { readAll, until } from '../support/relay-lab.js';
import { bmp, header, Scene } from '../support/ris-scene.js';

const topicOf = (asn: number | 'meta') => `rrc13.${asn}.bmp_raw`;
const checkpoint = 'rafka.ris.rrc13.checkpoint';

describe('a collector whose topics Kafka refuses in part', { timeout: 240_000 }, () => {
  let kafka: KafkaServer | undefined;
  let wire: KafkaWire | undefined;
  before(async () => {
    if (whyNoKafka() !== undefined) return;
    kafka = await KafkaServer.start({
      sasl: true,
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
        'auto.create.topics.enable': 'false',
      },
    });
    wire = await KafkaWire.open(kafka.brokers);
  });
  after(async () => {
    wire?.close();
    await kafka?.stop();
  });

  type Right = Parameters<KafkaWire['allow']>[3];
  const grant = async (kind: 'topic' | 'transactionalId', name: string, ...operations: Right[]): Promise<void> => {
    for (const operation of operations) await wire!.allow(`User:${saslUser.username}`, kind, name, operation);
  };

  test('one may not be written, one is missing and may not be made, one takes small records only', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const root = await openKafka(kafka!.brokers);
    t.after(() => root.close());
    // 64512 and 64513 take small records only, which may be read of 64513. That one must not be written yet, 64514 cannot be made; the
    // collector's own is made.
    await makeTopic(root, topicOf(64512), 1, { 'max.message.bytes': '400' });
    await makeTopic(root, topicOf(64513), 1, { 'max.message.bytes': '400' });
    await grant('topic', topicOf(64512), 'write', 'describe');
    await grant('topic', topicOf(64513), 'describe', 'describeConfigs');
    await grant('topic', topicOf('meta'), 'write', 'describe', 'create');
    await grant('topic', checkpoint, 'write', 'describe', 'create', 'read');
    await grant('transactionalId', 'ris:rrc13', 'write', 'describe');
    const user = await openKafka(kafka!.saslBrokers, {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'PLAIN',
      'sasl.username': saslUser.username,
      'sasl.password': saslUser.password,
    });
    t.after(() => user.close());
    const scene = await Scene.open(t, { time: Date.now() });
    const only = await scene.replica('one', true, { compression: 'none' }, user);
    const ids = async (asn: number) =>
      (await readAll(root, topicOf(asn))).flat().flatMap((record) => header(record, 'ris-id') ?? []);
    const sentOf = (peer: number) => scene.sent.filter((id) => id.startsWith(`192.0.2.${peer}-`));

    scene.send(30);
    await until('the first peer', async () => (await ids(64512)).length === 10);
    scene.sendLine(scene.takeLarge(64_512, 150));
    const lost = scene.sent.pop()!;
    scene.send(29);
    await until('the rest of the first peer', async () => (await ids(64512)).length === 19, 60_000);
    assert.deepEqual(await ids(64512), sentOf(0));
    assert.ok(!(await ids(64512)).includes(lost));
    assert.deepEqual(await ids(64513), []);
    assert.ok(only.count('ris.refused') >= 41, `${only.count('ris.refused')}`);

    await grant('topic', topicOf(64513), 'write');
    await until('the second peer', async () => {
      scene.send(3);
      return (await ids(64513)).length > 2;
    });
    const types = (await readAll(root, topicOf(64513))).flat().map(({ value }) => value?.[5]);
    assert.deepEqual(types.slice(0, 4), [bmp.initiation, bmp.peerDown, bmp.peerUp, bmp.routeMonitoring]);

    // A record that cannot fit where the limit may be read.
    scene.send(1);
    scene.sendLine(scene.takeLarge(64_513, 150));
    const dropped = scene.sent.pop()!;
    scene.send(4);
    const lastOf = (peer: number) => sentOf(peer).at(-1)!;
    const since = Date.now();
    await until('what is behind it', async () => (await ids(64513)).includes(lastOf(1)), 60_000);
    t.diagnostic(`committed ${Date.now() - since} ms behind a record that cannot fit`);
    assert.ok(!(await ids(64513)).includes(dropped));
    const larger = scene.lines.filter(({ msg }) => String(msg).startsWith('A record is larger than its topic takes'));
    assert.deepEqual(
      larger.map(({ topic, maxMessageBytes }) => [topic, maxMessageBytes]),
      [[topicOf(64513), 400]],
    );

    // A topic that was written may be written no more: the other peers go on while it waits.
    await until('the first peer has all', async () => (await ids(64512)).includes(lastOf(0)), 60_000);
    const refused = only.count('ris.refused');
    await wire!.deny(`User:${saslUser.username}`, 'topic', topicOf(64512), 'write');
    await until('it is refused', () => {
      scene.send(3);
      return scene.lines.some(
        ({ msg, topic }) => String(msg).startsWith('Kafka refuses a topic') && topic === topicOf(64512),
      );
    });
    const had = await ids(64512);
    // More of them in a transaction than its topic takes in one batch.
    scene.send(600);
    const from = Date.now();
    await until('the second peer goes on', async () => (await ids(64513)).includes(lastOf(1)), 60_000);
    t.diagnostic(`committed after ${Date.now() - from} ms while another topic is denied`);
    assert.deepEqual(await ids(64512), had);
    assert.deepEqual((await ids(64513)).slice(-200), sentOf(1).slice(-200));
    assert.ok(only.count('ris.refused') > refused);
    const all = [...(await ids(64512)), ...(await ids(64513))];
    assert.equal(new Set(all).size, all.length, 'nothing twice');
  });
});
