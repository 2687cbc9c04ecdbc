// The gRPC listener against a real Kafka: Kafka-Pixy's acceptance list of its gRPC service, one test each.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Stream, connect, constants } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { PixyClient } from '../support/pixy-client.js';
import { deltas, ends, type Pixy, type PixyKafka, startPixy, startPixyKafka, until } from '../support/pixy-lab.js';

const why = whyNoKafka();
const bytes = (text: string) => Buffer.from(text);

describe('gRPC listener', { timeout: 600_000 }, () => {
  let kafka: PixyKafka;
  let pixy: Pixy;
  let client: PixyClient;
  let groups = 0;
  before(async () => {
    if (why) return;
    kafka = await startPixyKafka();
    pixy = await startPixy(kafka.server.brokers);
    client = new PixyClient(pixy.grpcAddress);
  });
  after(async () => {
    client?.close();
    await pixy?.stop();
    await kafka?.stop();
  });
  const put = (topic: string, message: string, more: object = { key_undefined: true }) =>
    client.call('Produce', { topic, message: bytes(message), ...more });
  const group = async (topic = 'test.4', partitions = 4): Promise<string> => {
    const name = `group-${++groups}`;
    const now = await ends(kafka.admin, topic, partitions);
    const offsets = now.map((offset, partition) => ({ partition, offset }));
    await client.call('SetOffsets', { topic, group: name, offsets });
    return name;
  };
  const refused = (call: Promise<unknown>, code: number, details: RegExp) =>
    assert.rejects(call, (error: { code: number; details: string }) => {
      assert.equal(error.code, code);
      assert.match(error.details, details);
      return true;
    });

  it('async with keys: spread as upstream, and no partition in the reply', async (t) => {
    if (!met(t, why)) return;
    const own = await startPixy(kafka.server.brokers);
    const its = new PixyClient(own.grpcAddress);
    const start = await ends(kafka.admin, 'test.4', 4);
    for (let i = 0; i < 10; i++) {
      const request = { topic: 'test.4', key_value: bytes(`${i}`), message: bytes('m'), async_mode: true };
      assert.deepEqual(await its.call('Produce', request), { partition: -1, offset: -1 });
    }
    its.close();
    await own.stop();
    assert.deepEqual(deltas(start, await ends(kafka.admin, 'test.4', 4)), [3, 2, 2, 3]);
  });

  it('no key: any partition; a key by default: that of empty bytes', async (t) => {
    if (!met(t, why)) return;
    let start = await ends(kafka.admin, 'test.4', 4);
    await Promise.all(Array.from({ length: 100 }, () => put('test.4', 'm')));
    assert.ok(deltas(start, await ends(kafka.admin, 'test.4', 4)).every((grown) => grown > 0));
    start = await ends(kafka.admin, 'test.4', 4);
    for (let i = 0; i < 10; i++) await put('test.4', 'm', {});
    assert.deepEqual(deltas(start, await ends(kafka.admin, 'test.4', 4)), [0, 0, 0, 10]);
  });

  it('sync: partition and offset', async (t) => {
    if (!met(t, why)) return;
    const start = await ends(kafka.admin, 'test.4', 4);
    assert.deepEqual(await put('test.4', 'm', { key_value: bytes('bar') }), { partition: 2, offset: start[2] });
  });

  it('an unknown cluster, a missing topic, headers that the configuration rules out', async (t) => {
    if (!met(t, why)) return;
    await refused(put('test.4', 'm', { cluster: 'invalid' }), 3, /^proxy `invalid` does not exist$/);
    const consume = { cluster: 'invalid', topic: 'test.4', group: 'g' };
    await refused(client.call('ConsumeNAck', consume), 3, /^proxy `invalid` does not exist$/);
    await refused(put('no-such-topic', 'm'), 3, /^kafka server: Request was for a topic or partition/);
    const old = await startPixy(kafka.server.brokers, { kafka: { version: '0.10.2.1' } });
    const its = new PixyClient(old.grpcAddress);
    const headers = [{ key: 'foo', value: bytes('bar') }];
    const produce = its.call('Produce', { topic: 'test.4', message: bytes('m'), headers });
    await refused(produce, 3, /^headers are not supported with this version of Kafka. Consider changing/);
    its.close();
    await old.stop();
  });

  it('auto-ack: everything once, and committed', async (t) => {
    if (!met(t, why)) return;
    const name = await group();
    const own = await startPixy(kafka.server.brokers);
    const its = new PixyClient(own.grpcAddress);
    await Promise.all(Array.from({ length: 40 }, (_, i) => put('test.4', `${i}`)));
    const seen = new Set<string>();
    for (let i = 0; i < 40; i++)
      seen.add(String((await its.take({ topic: 'test.4', group: name, auto_ack: true })).message));
    its.close();
    await own.stop();
    assert.equal(seen.size, 40);
    assert.deepEqual(await pixy.offsets('test.4', name), await ends(kafka.admin, 'test.4', 4));
  });

  it('no ack: nothing is committed', async (t) => {
    if (!met(t, why)) return;
    const name = await group('test.1', 1);
    const own = await startPixy(kafka.server.brokers, { consumer: { ack_timeout: '300ms' } });
    const its = new PixyClient(own.grpcAddress);
    const before = await pixy.offsets('test.1', name);
    await put('test.1', 'm');
    await its.take({ topic: 'test.1', group: name, no_ack: true });
    its.close();
    await own.stop();
    assert.deepEqual(await pixy.offsets('test.1', name), before);
  });

  it('explicit acks, in passing and by Ack', async (t) => {
    if (!met(t, why)) return;
    const name = await group();
    const own = await startPixy(kafka.server.brokers);
    const its = new PixyClient(own.grpcAddress);
    await Promise.all(Array.from({ length: 30 }, (_, i) => put('test.4', `${i}`)));
    const seen = new Set<string>();
    let last = await its.take({ topic: 'test.4', group: name, no_ack: true });
    seen.add(String(last.message));
    for (let i = 1; i < 30; i++) {
      const ack = { ack_partition: last.partition, ack_offset: last.offset };
      last = await its.take({ topic: 'test.4', group: name, ...ack });
      seen.add(String(last.message));
    }
    const { partition, offset } = last;
    assert.deepEqual(await its.call('Ack', { topic: 'test.4', group: name, partition, offset }), {});
    its.close();
    await own.stop();
    assert.equal(seen.size, 30);
    assert.deepEqual(await pixy.offsets('test.4', name), await ends(kafka.admin, 'test.4', 4));
  });

  it('ack numbers that are wrong', async (t) => {
    if (!met(t, why)) return;
    const rq = { topic: 'test.4', group: 'g' };
    await refused(client.call('ConsumeNAck', { ...rq, ack_partition: -1 }), 3, /^invalid ack: bad partition: -1$/);
    await refused(client.call('Ack', { ...rq, offset: -1 }), 3, /^invalid ack: bad offset: -1$/);
    await refused(client.call('Ack', { ...rq, group: 'nobody' }), 13, /^acks channel missing for \{nobody test.4 0\}$/);
  });

  it('a request without ack fields acks nothing that was not offered', async (t) => {
    if (!met(t, why)) return;
    await kafka.admin.createTopic({ name: 'fresh', partitions: 1 });
    await client.call('SetOffsets', { topic: 'fresh', group: 'g', offsets: [{ partition: 0, offset: -2 }] });
    await put('fresh', 'first');
    await put('fresh', 'second');
    assert.equal(String((await client.take({ topic: 'fresh', group: 'g' })).message), 'first');
    assert.equal(String((await client.take({ topic: 'fresh', group: 'g', auto_ack: true })).message), 'second');
  });

  it('offsets: lag goes to 0 with an auto-ack', async (t) => {
    if (!met(t, why)) return;
    const name = await group('test.1', 1);
    const { offset } = await put('test.1', 'm');
    const look = async () => (await client.call('GetOffsets', { topic: 'test.1', group: name })).offsets[0];
    assert.deepEqual(await look(), {
      partition: 0,
      begin: 0,
      end: offset + 1,
      count: offset + 1,
      offset,
      lag: 1,
      metadata: '',
      sparse_acks: '',
    });
    await client.take({ topic: 'test.1', group: name, auto_ack: true });
    assert.equal((await look()).lag, 0);
    const missing = client.call('GetOffsets', { topic: 'no-such-topic', group: name });
    await refused(missing, 5, /^kafka server: Request was for a topic or partition that does not exist/);
  });

  it('a cluster by name; keys, values and headers as they went', async (t) => {
    if (!met(t, why)) return;
    const name = await group();
    const headers = [
      { key: 'foo', value: bytes('bar') },
      { key: 'Foo', value: Buffer.from([0, 255]) },
      { key: 'foo', value: Buffer.alloc(0) },
    ];
    const sent = await put('test.4', 'value', { cluster: 'default', key_value: bytes('foo'), headers });
    const got = await client.take({ cluster: 'default', topic: 'test.4', group: name, auto_ack: true });
    assert.deepEqual(got, { ...sent, key_value: bytes('foo'), key_undefined: false, message: bytes('value'), headers });
    await put('test.4', 'no key');
    const keyless = await client.take({ topic: 'test.4', group: name, auto_ack: true });
    assert.deepEqual([keyless.key_undefined, keyless.key_value.length], [true, 0]);
  });

  it('disabled, and nothing to read', async (t) => {
    if (!met(t, why)) return;
    const own = await startPixy(kafka.server.brokers, { consumer: { disabled: true } });
    const its = new PixyClient(own.grpcAddress);
    await refused(
      its.call('ConsumeNAck', { topic: 'test.4', group: 'g' }),
      14,
      /^service is disabled by configuration$/,
    );
    its.close();
    await own.stop();
    const missing = client.call('ConsumeNAck', { topic: 'no-such-topic', group: 'g', no_ack: true });
    await refused(missing, 5, /^long polling timeout$/);
  });

  it('topics and consumers', async (t) => {
    if (!met(t, why)) return;
    const { topics } = await client.call('ListTopics', { with_partitions: true });
    assert.equal(topics['test.64'].partitions.length, 64);
    assert.deepEqual(topics['test.1'], {
      version: 1,
      config: {},
      partitions: [{ partition: 0, leader: 1, replicas: [1], isr: [1] }],
    });
    const one = await client.call('GetTopicMetadata', { topic: 'test.4', with_partitions: false });
    assert.deepEqual(one, { version: 1, config: {}, partitions: [] });
    await refused(client.call('GetTopicMetadata', { topic: 'no-such-topic' }), 5, /^kafka server: Request was/);
    const name = await group();
    await put('test.4', 'm');
    await client.take({ topic: 'test.4', group: name, auto_ack: true });
    const { groups: found } = await client.call('ListConsumers', { topic: 'test.4', group: name });
    assert.deepEqual(Object.values(found[name].consumers), [{ partitions: [0, 1, 2, 3] }]);
    await refused(client.call('ListConsumers', { topic: 'test.4', group: 'zz' }), 5, /^unknown consumer group zz$/);
  });

  it('a message beyond the limit is refused by the library', async (t) => {
    if (!met(t, why)) return;
    await refused(put('test.4', 'x'.repeat(1024 * 1024)), 8, /larger than max/);
  });

  it('a client that cancels while it waits leaves its message to the next', async (t) => {
    if (!met(t, why)) return;
    const name = await group('test.1', 1);
    await put('test.1', 'one');
    await client.take({ topic: 'test.1', group: name, auto_ack: true });
    const waiting = client.start('ConsumeNAck', { topic: 'test.1', group: name, auto_ack: true });
    const cancelled = assert.rejects(waiting.reply, { code: 1 });
    await client.call('ListTopics', {});
    waiting.cancel();
    await cancelled;
    await put('test.1', 'two');
    const next = await client.take({ topic: 'test.1', group: name, auto_ack: true });
    assert.equal(String(next.message), 'two');
  });

  it('a connection that ends with a reply half sent: the message comes again at once', async (t) => {
    if (!met(t, why)) return;
    await kafka.admin.createTopic({ name: 'cut', partitions: 1 });
    const rq = { topic: 'cut', group: 'g', auto_ack: true };
    await client.call('SetOffsets', { ...rq, offsets: [{ partition: 0, offset: -2 }] });
    await put('cut', 'x'.repeat(500_000));
    const count = async (what: string): Promise<number> => {
      const { text } = await pixy.ask('/metrics');
      return Number(new RegExp(`rafka_group_${what}_total\\{.*topic="cut"\\} (\\d+)`).exec(text)?.[1] ?? 0);
    };
    for (let cut = 1; cut <= 3; cut++) {
      // A client that lets a thousand bytes through and then nothing more.
      const session = connect(`http://${pixy.grpcAddress}`, { settings: { initialWindowSize: 1_000 } });
      session.on('error', () => {});
      const headers = {
        ':method': 'POST',
        ':path': '/KafkaPixy/ConsumeNAck',
        'content-type': 'application/grpc',
        te: 'trailers',
      };
      const request = Buffer.from('\u0012\u0003cut\u001a\u0001g\u0028\u0001');
      const prefix = Buffer.from([0, 0, 0, 0, request.length]);
      const asked = async (tries: number): Promise<ClientHttp2Stream> => {
        const stream = session.request(headers).on('error', () => {});
        stream.end(Buffer.concat([prefix, request]));
        const [head] = await once(stream, 'response');
        // A status at once: a long poll that brought nothing, as while the group comes up.
        return 'grpc-status' in head && tries > 1 ? asked(tries - 1) : stream;
      };
      const stream = await asked(8);
      assert.equal(await count('consumed'), cut);
      if (cut > 1) stream.close(cut === 2 ? constants.NGHTTP2_CANCEL : constants.NGHTTP2_NO_ERROR);
      else session.destroy();
      await until(
        () => stream.closed,
        (closed) => closed,
      );
      session.destroy();
    }
    // The time for an ack is 30 s; a first try that fails would have to wait for it.
    const again = await client.take(rq, 4);
    assert.deepEqual([again.offset, again.message.length], [0, 500_000]);
    await until(
      () => count('acked'),
      (acked) => acked === 1,
    );
  });

  it('disabled: acks have nobody to go to', async (t) => {
    if (!met(t, why)) return;
    const own = await startPixy(kafka.server.brokers, { consumer: { disabled: true } });
    const its = new PixyClient(own.grpcAddress);
    const rq = { topic: 'test.4', group: 'g' };
    await refused(its.call('Ack', { ...rq, partition: 1, offset: 2 }), 13, /^acks channel missing for \{g test.4 1\}$/);
    const both = { ...rq, ack_partition: 1, ack_offset: 2 };
    await refused(its.call('ConsumeNAck', both), 14, /^service is disabled by configuration$/);
    assert.equal((await its.call('GetOffsets', rq)).offsets.length, 4, 'admin goes on');
    its.close();
    await own.stop();
  });
});
