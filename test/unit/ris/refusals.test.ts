// What Kafka refuses for good, of a topic or of a record: it is left out, counted and marked, and all the rest goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaError, type KafkaFault, type ProducerRecord } from '../../../src/core/ports.js';
import { refusedAmong } from '../../../src/ris/leadership/refusals.js';
import { bmp, header, Scene, until } from '../../support/ris-scene.js';

const fault = (code: number, message: string): KafkaFault => ({
  code,
  message,
  fatal: false,
  retriable: false,
  abortable: true,
});
const denied = fault(29, 'Topic authorization failed');
const tooLarge = fault(10, 'Message size too large');
const badTime = fault(32, 'Invalid timestamp');

const of = (scene: Scene, topic: string) => scene.records().filter((record) => record.topic === topic);

test('a topic that may not be written holds up no other, and is marked when it goes on', async (t) => {
  const scene = await Scene.open(t);
  let isDenied = true;
  scene.kafka.faults.delivery = ({ topic }) => (isDenied && topic === 'rrc13.64513.bmp_raw' ? denied : undefined);
  const only = await scene.replica('one', true);
  scene.send(300);
  await scene.published(200);
  assert.equal(of(scene, 'rrc13.64513.bmp_raw').length, 0);
  // Its Initiation and its Peer Up as well.
  assert.equal(only.count('ris.refused'), 102);
  assert.equal(only.count('ris.terms'), 1, 'the term goes on');
  const said = scene.lines.filter(({ level, topic }) => Number(level) >= 50 && topic === 'rrc13.64513.bmp_raw');
  assert.deepEqual(
    said.map(({ reason, retryMs }) => [reason, retryMs]),
    [['Topic authorization failed', 2_000]],
    'topic and reason are logged',
  );
  isDenied = false;
  await until(() => {
    scene.send(3);
    return of(scene, 'rrc13.64513.bmp_raw').length > 4;
  }, 'it is tried again');
  const types = of(scene, 'rrc13.64513.bmp_raw').map(({ value }) => value?.[5]);
  assert.deepEqual(types.slice(0, 4), [bmp.initiation, bmp.peerDown, bmp.peerUp, bmp.routeMonitoring]);
  assert.equal(new Set(scene.ids()).size, scene.ids().length, 'nothing twice');
});

test('what a topic lacks is marked by the next leader as well', async (t) => {
  const scene = await Scene.open(t);
  const topic = 'rrc13.64513.bmp_raw';
  const first = await scene.replica('one', true);
  const second = await scene.replica('two', false);
  const third = await scene.replica('three', false);
  scene.send(30);
  await scene.published(30);
  let isDenied = true;
  scene.kafka.faults.delivery = (record) => (isDenied && record.topic === topic ? denied : undefined);
  scene.send(30);
  await scene.published(50);
  assert.equal(of(scene, topic).length, 12);
  // It ends before the topic is tried again: only what it recorded tells of it.
  first.election.decide(false);
  isDenied = false;
  second.election.decide(true);
  scene.send(30);
  await scene.published(80);
  const types = of(scene, topic).map(({ value }) => value?.[5]);
  assert.deepEqual(types.slice(12, 16), [bmp.initiation, bmp.peerDown, bmp.peerUp, bmp.routeMonitoring]);
  assert.equal(scene.count(bmp.peerDown), 1, 'no other peer is marked, and this one once');
  assert.equal(second.count('ris.holes'), 1);
  // The mark is made: the one after it makes no other.
  second.election.decide(false);
  third.election.decide(true);
  scene.send(30);
  await scene.published(110);
  assert.equal(scene.count(bmp.peerDown), 1);
});

test('a leader that leads again writes a topic that it was refused before, as soon as another has written it', async (t) => {
  const scene = await Scene.open(t);
  const topic = 'rrc13.64513.bmp_raw';
  const [one, two] = [await scene.replica('one', true), await scene.replica('two', false)];
  scene.send(30);
  await scene.published(30);
  let isDenied = true;
  scene.kafka.faults.delivery = (record) => (isDenied && record.topic === topic ? denied : undefined);
  scene.send(30);
  await scene.published(50);
  one.election.decide(false);
  isDenied = false;
  two.election.decide(true);
  scene.send(30);
  await scene.published(80);
  const refused = one.count('ris.refused');
  two.election.decide(false);
  one.election.decide(true);
  scene.send(30);
  await scene.published(110);
  assert.equal(one.count('ris.refused'), refused, 'nothing is dropped for what was before');
  assert.equal(scene.count(bmp.peerDown), 1, 'the other leader marked it');
});

test('a record that cannot fit in its topic is dropped before anything is refused', async (t) => {
  const scene = await Scene.open(t);
  const topic = 'rrc13.64513.bmp_raw';
  scene.kafka.createTopic(topic, 1, { 'max.message.bytes': '600' });
  let produced = 0;
  scene.kafka.faults.delivery = (record) => {
    if (record.topic === topic && (record.value?.length ?? 0) > 500) produced += 1;
    return undefined;
  };
  const only = await scene.replica('one', true);
  scene.send(31);
  scene.sendLine(scene.takeLarge(64_513, 250));
  const lost = scene.sent.pop();
  scene.send(31);
  await until(() => scene.count(bmp.peerDown) === 1, 'the mark');
  scene.send(3);
  await scene.published(65);
  assert.ok(!scene.ids().includes(lost!));
  scene.assertExactlyOnce();
  assert.deepEqual([produced, only.count('ris.refused')], [0, 1]);
  const said = scene.lines.find(({ msg }) => String(msg).startsWith('A record is larger than its topic takes'));
  assert.deepEqual([said?.topic, said?.reason, said?.maxMessageBytes], [topic, 'Message size too large', 600]);
});

test('a record that is too large for its topic is dropped alone, and its peer is marked', async (t) => {
  const scene = await Scene.open(t);
  const large = ({ topic, value }: ProducerRecord) => topic === 'rrc13.64513.bmp_raw' && (value?.length ?? 0) > 200;
  scene.kafka.faults.delivery = (record) => (large(record) ? tooLarge : undefined);
  const only = await scene.replica('one', true);
  scene.send(30);
  await scene.published(30);
  // One UPDATE of the second peer with many prefixes.
  scene.send(1);
  scene.sendLine(scene.takeLarge(64_513, 60));
  const lost = scene.sent.pop();
  scene.send(31);
  await until(() => scene.count(bmp.peerDown) === 1, 'the mark');
  scene.send(3);
  await scene.published(65);
  assert.ok(!scene.ids().includes(lost!));
  scene.assertExactlyOnce();
  assert.equal(only.count('ris.refused'), 1);
  assert.equal(scene.count(bmp.peerUp), 4);
  assert.equal(only.count('ris.terms'), 1);
  const said = scene.lines.find(({ msg }) => msg === 'Kafka refuses a record: it is dropped');
  assert.deepEqual([said?.topic, said?.reason], ['rrc13.64513.bmp_raw', 'Message size too large']);
});

test('a time that the broker refuses stands in a header, and the record gets the time of producing', async (t) => {
  const scene = await Scene.open(t);
  const now = Date.now();
  scene.kafka.faults.delivery = ({ timestamp }) => (timestamp! < now - 3_600_000 ? badTime : undefined);
  await scene.replica('one', true);
  scene.send(30);
  await scene.published(30);
  scene.assertExactlyOnce();
  const record = scene.records().find((each) => header(each, 'ris-id') === scene.sent[0]);
  assert.equal(header(record!, 'ris-time'), '1700000000000');
  assert.ok(record!.timestamp >= now);
});

test('missing topics are made, with the settings that are asked for', async (t) => {
  const scene = await Scene.open(t, { partitions: 0 });
  const config = { 'retention.ms': '60000' };
  await scene.replica('one', true, { topics: { create: true, partitions: 2, config } });
  scene.send(30);
  await scene.published(30);
  const topic = scene.kafka.topic('rrc13.64513.bmp_raw');
  assert.equal(topic?.partitions.length, 2);
  assert.equal(topic?.config.get('retention.ms'), '60000');
});

test('a topic that is missing and cannot be made holds up no other', async (t) => {
  const scene = await Scene.open(t, { partitions: 0 });
  const make = scene.kafka.admin.createTopic.bind(scene.kafka.admin);
  scene.kafka.admin.createTopic = async (topic) => {
    if (topic.name === 'rrc13.64513.bmp_raw') {
      throw new KafkaError(denied);
    }
    return make(topic);
  };
  const only = await scene.replica('one', true);
  scene.send(30);
  await scene.published(20);
  assert.equal(only.count('ris.refused'), 12);
  assert.equal(scene.kafka.topic('rrc13.64513.bmp_raw'), undefined);
  const said = scene.lines.find(({ level, topic }) => Number(level) >= 50 && topic === 'rrc13.64513.bmp_raw');
  assert.equal(said?.reason, 'it is missing and cannot be made: Topic authorization failed');
});

test('the refused ones are found by halves', async () => {
  let probes = 0;
  const probe = async (items: readonly number[]) => {
    probes += 1;
    return items.includes(37) || items.includes(38) ? tooLarge : undefined;
  };
  const items = Array.from({ length: 100 }, (_, n) => n);
  assert.deepEqual([...(await refusedAmong(items, probe, 100)).keys()], [37, 38]);
  assert.ok(probes < 20);
  // No more than so many probes: what is left of a refused part counts as refused.
  assert.ok((await refusedAmong(items, probe, 3)).has(37));
});
