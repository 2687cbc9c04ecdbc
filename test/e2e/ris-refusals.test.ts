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

describe('a collector whose topics Kafka refuses in part', { timeout: 120_000 }, () => {
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
    // 64512 takes small records only, 64513 must not be written yet, 64514 cannot be made; the collector's own is made.
    await makeTopic(root, topicOf(64512), 1, { 'max.message.bytes': '400' });
    await makeTopic(root, topicOf(64513), 1);
    await grant('topic', topicOf(64512), 'write', 'describe');
    await grant('topic', topicOf(64513), 'describe');
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
    const prefixes = Array.from({ length: 150 }, (_, n) => `"10.${n}.0.0/16"`).join(',');
    const large = scene.take().replace(/,"type":"UPDATE".*$/, '');
    const lost = scene.sent.pop()!;
    const update = `"path":[64512],"origin":"IGP","announcements":[{"next_hop":"192.0.2.1","prefixes":[${prefixes}]}]`;
    scene.sendLine(`${large},"type":"UPDATE",${update}}}`);
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
    const all = [...(await ids(64512)), ...(await ids(64513))];
    assert.equal(new Set(all).size, all.length, 'nothing twice');
  });
});
