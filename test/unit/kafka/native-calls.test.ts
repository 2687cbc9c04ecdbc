// The calls of native/ refuse what they cannot do: no tombstone in place of a record, no abort of the process.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type NativeConsumer, type NativeProducer, native } from '../../../src/kafka/native.js';

const state = -172;

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
});
