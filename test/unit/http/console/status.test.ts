// The header's and the overview's rates: each message is counted once, and what is not counted is unknown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Reading } from '../../../../src/http/console/readings.js';
import { Status } from '../../../../src/http/console/status.js';
import { ManualClock } from '../../../support/clock.js';

interface Rates {
  readonly name: string;
  readonly received: { readonly total: number; readonly perSecond: number | null };
  readonly sent: { readonly total: number; readonly perSecond: number | null };
}

/** @param samples counters, as one reading after the other has them */
async function statusOf(samples: readonly Readonly<Record<string, number>>[]) {
  const clock = new ManualClock();
  let at = 0;
  const read = async (): Promise<Reading> =>
    new Reading([
      Object.entries(samples[at++] ?? {}).map(([name, value]) => ({ name, values: [{ value, labels: {} }] })),
    ]);
  const status = new Status({
    job: 'gateway',
    version: '0.0.0-test',
    clusters: [],
    read,
    ready: async () => ({ status: 200, body: 'ok\n' }),
    clock,
    log: pino({ level: 'silent' }),
  });
  status.start();
  await clock.advance(5_000 * (samples.length - 1));
  const overview = status.overview() as { listeners: Rates[] };
  const header = (await status.header()) as { throughput: Record<'received' | 'sent', { perSecond: number | null }> };
  status.stop();
  return { listeners: overview.listeners, throughput: header.throughput };
}

test('messages of REST, gRPC and RIS are not counted as RESP’s, nor twice in the header', async () => {
  const before = {
    rafka_producer_messages_total: 0,
    rafka_consumer_messages_total: 0,
    rafka_topic_produced_total: 0,
    rafka_group_consumed_total: 0,
  };
  const { listeners, throughput } = await statusOf([
    before,
    {
      rafka_producer_messages_total: 50,
      rafka_consumer_messages_total: 20,
      rafka_topic_produced_total: 40,
      rafka_group_consumed_total: 20,
    },
  ]);
  assert.deepEqual(
    listeners.map(({ name, received, sent }) => [name, received.total, received.perSecond, sent.total, sent.perSecond]),
    [
      ['resp', 10, 2, 0, 0],
      ['rest, grpc', 40, 8, 20, 4],
    ],
  );
  assert.deepEqual([throughput.received.perSecond, throughput.sent.perSecond], [10, 4]);
});

test('a process that counts no messages has no rate, and not 0', async () => {
  const { listeners, throughput } = await statusOf([{}, {}]);
  assert.deepEqual(listeners, []);
  assert.deepEqual([throughput.received.perSecond, throughput.sent.perSecond], [null, null]);
});
