// A real Kafka through librdkafka keeps the ports' promises.
import { after, before, it } from 'node:test';
import { pino } from 'pino';
import { createKafkaFactory } from '../../../src/kafka/factory.js';
import { KafkaServer, whyNoKafka } from '../../support/kafka-server.js';
import { met } from '../../support/needs.js';
import { portSuite } from '../../support/port-suite.js';

const abilities = { admin: true, isolation: true, sizeLimit: true };
const why = whyNoKafka();

if (why) {
  it('Kafka ports: real', (t) => void met(t, why));
} else {
  let server: KafkaServer;
  before(async () => {
    server = await KafkaServer.start();
  });
  after(() => server?.stop());
  const log = pino({ level: 'silent' });
  portSuite('real', abilities, () => createKafkaFactory({ general: { 'bootstrap.servers': server.brokers }, log }));
}
