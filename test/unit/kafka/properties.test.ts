// librdkafka properties: every key arrives where it takes effect, defaults give way, complaints name their section.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { KafkaError } from '../../../src/core/ports.js';
import { createKafkaFactory } from '../../../src/kafka/factory.js';
import { native } from '../../../src/kafka/native.js';
import {
  complaint,
  consumerProperties,
  producerProperties,
  type Section,
  topicLevelKeys,
  whyNotIdempotent,
  withoutGoKeys,
} from '../../../src/kafka/properties.js';
import { met } from '../../support/needs.js';

const section = (name: string, properties: Section['properties']): Section => ({ name, properties });
const silent = pino({ level: 'silent' });

/** A value that librdkafka takes for each topic-level key. */
const samples: Record<string, string | number | boolean> = {
  'request.required.acks': -1,
  acks: 'all',
  'request.timeout.ms': 1000,
  'message.timeout.ms': 1000,
  'delivery.timeout.ms': 1000,
  'queuing.strategy': 'fifo',
  'produce.offset.report': true,
  partitioner: 'murmur2_random',
  'compression.level': 3,
  'auto.commit.enable': true,
  'auto.offset.reset': 'earliest',
  'offset.store.path': '.',
  'offset.store.sync.interval.ms': 10,
  'consume.callback.max.messages': 7,
};

describe('topic-level keys among the global ones', () => {
  for (const key of topicLevelKeys) {
    it(`${key} goes to the topic configuration, which takes it`, () => {
      const properties = { 'bootstrap.servers': '127.0.0.1:1', [key]: samples[key]! };
      for (const split of [consumerProperties, producerProperties]) {
        const { global, topic } = split([section('general', properties)]);
        assert.equal(topic[key], String(samples[key]));
        assert.equal(key in global, false);
        assert.doesNotThrow(() => new native.Producer({}, topic));
      }
    });
  }

  it('are those that librdkafka documents', (t) => {
    const root = dirname(createRequire(import.meta.url).resolve('node-rdkafka/package.json'));
    const file = join(root, 'deps/librdkafka/CONFIGURATION.md');
    if (!met(t, existsSync(file) ? undefined : `no ${file}`)) return;
    const keysOf = (text = '') => [...text.matchAll(/^([a-z][a-z0-9._]+) +\|/gm)].map(([, key]) => key ?? '');
    const [globalPart, topicPart] = readFileSync(file, 'utf8').split('## Topic configuration properties');
    const globals = new Set(keysOf(globalPart));
    const callbacks = new Set(['partitioner_cb', 'msg_order_cmp', 'opaque']);
    const topicOnly = keysOf(topicPart).filter((key) => !globals.has(key) && !callbacks.has(key));
    assert.deepEqual(topicOnly.sort(), [...topicLevelKeys].sort());
  });
});

describe('defaults', () => {
  it('commit what was stored, once a second, unless the file says otherwise', () => {
    const { global } = consumerProperties([section('consumer', { 'auto.commit.interval.ms': 77 })]);
    assert.equal(global['enable.auto.commit'], 'true');
    assert.equal(global['enable.auto.offset.store'], 'false');
    assert.equal(global['auto.commit.interval.ms'], '77');
    assert.equal(consumerProperties([]).global['auto.commit.interval.ms'], '1000');
  });

  it('let later sections win', () => {
    const sections = [section('general', { 'linger.ms': 1, acks: 'all' }), section('producer', { 'linger.ms': 2 })];
    const { global, sectionOf } = producerProperties(sections);
    assert.equal(global['linger.ms'], '2');
    assert.equal(sectionOf.get('linger.ms'), 'producer');
    assert.equal(sectionOf.get('acks'), 'general');
  });

  it('hold no NUL, behind which librdkafka would read nothing: two static members were one', () => {
    const refused = (properties: Section['properties']) => () => consumerProperties([section('override', properties)]);
    assert.throws(refused({ 'group.instance.id': 'one\0two' }), /override: "group.instance.id" holds a NUL/);
    assert.throws(refused({ 'debug\0': 'all' }), KafkaError);
  });

  it('let later sections win over aliases, too', () => {
    const sections = [
      section('a', { acks: 'all' }),
      section('b', { 'request.required.acks': 0 }),
      section('c', { acks: 1 }),
    ];
    assert.deepEqual(Object.keys(producerProperties(sections).topic), ['request.required.acks', 'acks']);
  });

  const idempotence = (properties: Section['properties']) =>
    producerProperties([section('producer', properties)]).global['enable.idempotence'];

  it('make producers idempotent', () => {
    assert.equal(idempotence({}), 'true');
    assert.equal(idempotence({ acks: 'all', 'max.in.flight': 5, retries: 3 }), 'true');
    assert.equal(idempotence({ 'request.required.acks': -1 }), 'true');
  });

  it('keep what the file says of idempotence', () => {
    assert.equal(idempotence({ 'enable.idempotence': false }), 'false');
    assert.equal(idempotence({ 'enable.idempotence': true, acks: 'all' }), 'true');
  });

  const obstacles = [
    { acks: 1 },
    { acks: '0' },
    { 'request.required.acks': 1 },
    { 'max.in.flight': 6 },
    { 'max.in.flight.requests.per.connection': 100 },
    { retries: 0 },
    { 'message.send.max.retries': 0 },
    { 'queuing.strategy': 'lifo' },
  ] as Section['properties'][];
  for (const properties of obstacles) {
    it(`give up idempotence for ${JSON.stringify(properties)}`, () => {
      assert.equal(idempotence(properties), 'false');
      assert.equal(whyNotIdempotent([section('producer', properties)]), Object.keys(properties)[0]);
    });
  }
});

describe('go.* keys', () => {
  it('are skipped with one line', () => {
    const lines: object[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const kept = withoutGoKeys(section('producer', { 'go.batch.producer': true, 'go.x': 1, 'linger.ms': 3 }), log);
    assert.deepEqual(kept.properties, { 'linger.ms': 3 });
    assert.equal(lines.length, 1);
    assert.deepEqual((lines[0] as { keys: string[] }).keys, ['go.batch.producer', 'go.x']);
  });
});

describe("librdkafka's complaints", () => {
  const refused = (config: Parameters<typeof createKafkaFactory>[0], text: RegExp) =>
    assert.rejects(createKafkaFactory(config), (error: unknown) => {
      assert.ok(error instanceof KafkaError);
      assert.match(error.message, text);
      return true;
    });

  it('name the key and its section', async () => {
    await refused({ consumer: { foo: 'bar' }, log: silent }, /^consumer: No such configuration property: "foo"/);
    const misspelt = { general: { 'securty.protocol': 'ssl' }, log: silent };
    await refused(misspelt, /^general: No such .* "securty\.protocol": did you mean security\.protocol\?$/);
    await refused({ general: { 'socket.timeout.ms': 'soon' }, log: silent }, /^general: .*"socket\.timeout\.ms"/);
    await refused({ producer: { acks: 'perhaps' }, log: silent }, /^producer: acks: Invalid value for/);
    const together = { 'enable.idempotence': true, acks: 1 };
    await refused({ producer: together, log: silent }, /^producer: `acks` must be set to `all`/);
  });

  it('a file without brokers is refused: nothing would ever come of it', async () => {
    await refused({ log: silent }, /bootstrap\.servers is missing: the consumer/);
    await refused({ log: silent, consumer: { 'metadata.broker.list': 'b:1' } }, /missing: the producer/);
  });

  it('stay as they are when they name no key of ours', () => {
    assert.equal(complaint('out of memory', new Map([['acks', 'general']])), 'out of memory');
  });
});
