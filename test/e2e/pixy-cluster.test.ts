// The REST face on a cluster of three that has only just started.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { type Pixy, silent, startPixy, until } from '../support/pixy-lab.js';

const why = whyNoKafka();

describe('a cluster of three', { timeout: 300_000 }, () => {
  let server: KafkaServer;
  let pixy: Pixy;
  before(async () => {
    if (why) return;
    server = await KafkaServer.start({ nodes: 3 });
    pixy = await startPixy(server.brokers, { consumer: { long_polling_timeout: '1s' } });
  });
  after(async () => {
    await pixy?.stop();
    await server?.stop();
  });

  it('has only just started: offsets can be set, whenever its coordinators come', async (t) => {
    if (!met(t, why)) return;
    const kafka = await createKafkaFactory({ general: { 'bootstrap.servers': server.brokers }, log: silent });
    await kafka.admin.createTopic({ name: 'spread', partitions: 6, replicationFactor: 1 });
    await kafka.close();
    await until(
      () => pixy.ask('/topics/spread'),
      ({ status }) => status === 200,
    );
    const body = JSON.stringify(Array.from({ length: 6 }, (_, partition) => ({ partition, offset: 0 })));
    const answer = await pixy.ask('/topics/spread/offsets?group=early', { method: 'POST', body });
    assert.deepEqual([answer.status, answer.text], [200, '{}']);
  });
});
