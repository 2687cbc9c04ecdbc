// The calls of native/ refuse what they cannot do: no tombstone in place of a record, no abort of the process.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { takeBatch } from '../../../src/kafka/consumer/poller.js';
import {
  type Callback,
  type NativeConsumer,
  type NativeError,
  type NativeMetadata,
  type NativeProducer,
  native,
} from '../../../src/kafka/native.js';
import { eventually } from '../../support/eventually.js';
import { met, whyNoCommand } from '../../support/needs.js';

const state = -172;
const autoOffsetReset = -140;
/** How long the calls wait that a close is to wait for, ms. */
const waitMs = 300;

describe('calls of the addon', () => {
  // No broker is behind these: none of the calls needs one.
  const producer = (): NativeProducer => new native.Producer({ 'bootstrap.servers': '127.0.0.1:1' }, {});
  const consumer = (): NativeConsumer =>
    new native.KafkaConsumer({ 'bootstrap.servers': '127.0.0.1:1', 'group.id': 'g' }, {});
  const connected = async <T extends NativeProducer | NativeConsumer>(client: T): Promise<T> => {
    await new Promise<void>((resolve, reject) => client.connect((error) => (error ? reject(error) : resolve())));
    return client;
  };
  const closed = (client: NativeProducer | NativeConsumer) =>
    new Promise<void>((resolve) => client.disconnect(() => resolve()));

  test('produceMany() refuses lengths that reach beyond the buffer, and negative ones that are not null', async (t) => {
    const client = await connected(producer());
    t.after(() => closed(client));
    const bytes = Buffer.from('value');
    for (const [key, value] of [
      [-1, 6],
      [3, 3],
      [-2, 1],
      [-1, -5],
    ] as const) {
      const fields = new Int32Array([key, value, 0, 0]);
      assert.throws(() => client.produceMany('t', bytes, fields, 1), RangeError, `key ${key}, value ${value}`);
    }
    assert.equal(client.produceMany('t', bytes, new Int32Array([-1, 5, 0, 0]), 1), 0);
  });

  test('a closed client refuses, and brings nothing', async () => {
    const client = await connected(producer());
    await closed(client);
    const fields = new Int32Array([-1, 1, 0, 0]);
    assert.equal(client.produceMany('t', Buffer.from('x'), fields, 1), 1);
    assert.equal(fields[3], state);
    assert.equal(client.outqLen(), 0);
    assert.equal(client.brokerApis(), null);
    assert.equal(client.pollReports(new Float64Array(6)), 0);
    const reader = await connected(consumer());
    await closed(reader);
    assert.equal(reader.storeOffset('t', 0, 1), state);
    assert.equal(reader.assignments(), state);
  });

  test('a client may be closed while it opens, and asked while it closes', async () => {
    for (let round = 0; round < 20; round++) {
      const client = producer();
      client.configureCallbacks(true, { global: {}, topic: {}, event: { event_cb: () => {}, reports_cb: () => {} } });
      const opened = new Promise<void>((resolve) => client.connect(() => resolve()));
      const gone = closed(client);
      let isGone = false;
      const over = Promise.all([opened, gone]).then(() => closed(client));
      over.then(() => {
        isGone = true;
      });
      while (!isGone) {
        client.pollReports(new Float64Array(6));
        client.outqLen();
        client.outqBytes?.();
        await new Promise(setImmediate);
      }
    }
    const reader = await connected(consumer());
    let isGone = false;
    const gone = closed(reader).then(() => {
      isGone = true;
    });
    while (!isGone) {
      reader.storeOffset('t', 0, 1);
      reader.assignments();
      await new Promise(setImmediate);
    }
    await gone;
    assert.equal(reader.assignments(), state);
  });

  test('arguments of another kind are refused', async (t) => {
    const client = await connected(producer());
    t.after(() => closed(client));
    const bad = client as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const call of ['produceMany', 'pollReports', 'awaitBroker', 'listGroups', 'deleteRecords', 'groupOffsets'])
      assert.throws(() => bad[call]!(), TypeError, call);
    assert.throws(() => bad.deleteRecords!([{ topic: 't' }], 1_000, () => {}), TypeError);
  });

  test('a question that no broker answers ends with its deadline', async (t) => {
    const client = await connected(producer());
    t.after(() => closed(client));
    const answer = await new Promise<{ code?: number } | null | undefined>((resolve) =>
      client.describeCluster(-1, 200, (error) => resolve(error)),
    );
    assert.ok(answer?.code === -185 || answer?.code === -195, `code ${answer?.code}`);
  });

  test('a client that closes while calls wait lets them end first', async () => {
    // Each fails as it does without brokers (librdkafka's own codes are negative), or is refused because the close was first.
    const during = async (
      client: NativeConsumer | NativeProducer,
      ...calls: ((callback: Callback<unknown>) => void)[]
    ) => {
      const answers = calls.map((call) => new Promise<NativeError | null | undefined>((resolve) => call(resolve)));
      await closed(client);
      for (const error of await Promise.all(answers)) assert.ok((error?.code ?? 0) < 0, `code ${error?.code}`);
    };
    for (let round = 0; round < 5; round++) {
      const reader = await connected(consumer());
      const at = { topic: 't', partition: 0, offset: 0 };
      await during(
        reader,
        (callback) => reader.committed([at], waitMs, callback),
        (callback) => reader.seek(at, waitMs, callback),
      );
      const general = { 'bootstrap.servers': '127.0.0.1:1', 'transactional.id': 't' };
      const writer = await connected<NativeProducer>(new native.Producer(general, {}));
      await during(writer, (callback) => writer.initTransactions(waitMs, callback));
    }
  });

  test('a client that is closed twice at the same time is closed once', async () => {
    for (const client of [await connected(consumer()), await connected(producer())])
      await Promise.all([closed(client), closed(client), closed(client)]);
  });

  test('what the event loop asks of a client that closes is refused, or done', async () => {
    const reader = await connected(consumer());
    const calls: (() => unknown)[] = [
      () => reader.subscribe(['t']),
      () => reader.assign([{ topic: 't', partition: 0 }]),
      () => reader.position([{ topic: 't', partition: 0 }]),
      () => reader.pause([{ topic: 't', partition: 0 }]),
      () => reader.resume([{ topic: 't', partition: 0 }]),
      () => reader.unsubscribe(),
      () => reader.unassign(),
    ];
    let isGone = false;
    const gone = closed(reader).then(() => {
      isGone = true;
    });
    while (!isGone) {
      for (const call of calls) {
        try {
          call();
        } catch (error) {
          assert.match((error as Error).message, /connected|state/i);
        }
      }
      await new Promise(setImmediate);
    }
    await gone;
    assert.throws(() => reader.assign([{ topic: 't', partition: 0 }]));
  });

  test('a batch ends with an error that has its partition and text, and keeps the messages before it', async () => {
    const broker = await connected<NativeProducer>(new native.Producer({ 'test.mock.num.brokers': '1' }, {}));
    const { brokers } = await new Promise<NativeMetadata>((resolve, reject) =>
      broker.getMetadata({ topic: 't', allTopics: false, timeout: 10_000 }, (error, found) =>
        error ? reject(error) : resolve(found),
      ),
    );
    const general = { 'bootstrap.servers': `${brokers[0]!.host}:${brokers[0]!.port}`, 'group.id': 'g' };
    const writer = await connected<NativeProducer>(new native.Producer(general, {}));
    for (const value of ['a', 'b']) writer.produce('t', 0, Buffer.from(value), null, null, 0, undefined);
    await new Promise<void>((resolve) => writer.flush(10_000, () => resolve()));
    const reader = await connected<NativeConsumer>(new native.KafkaConsumer(general, { 'auto.offset.reset': 'error' }));
    const [start, beyond] = [0, 99];
    reader.assign([
      { topic: 't', partition: 0, offset: start },
      { topic: 't', partition: 1, offset: beyond },
    ]);
    const values: string[] = [];
    const errors: NativeError[] = [];
    await eventually(10_000, async () => {
      const { error, messages } = await takeBatch(reader, 500, 10);
      values.push(...messages.map(({ value }) => String(value)));
      if (error) errors.push(error);
      return errors.length > 0 && values.length > 1;
    });
    // The broker last: without it the others would look for it first.
    for (const client of [reader, writer, broker]) await closed(client);
    assert.deepEqual(values, ['a', 'b']);
    assert.equal(errors.length, 1);
    assert.equal(errors[0]!.code, autoOffsetReset);
    assert.match(errors[0]!.message, /out of range.* \(t:1\)$/i);
  });

  test('consumeLoop() without a thread is refused', async (t) => {
    // A stack that no address space has room for: only threads of the system's default size fail.
    if (!met(t, whyNoCommand('prlimit'))) return;
    const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, '../../support/no-thread.js')], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
  });
});
