// The port tests: what core may expect of any KafkaFactory. The fake, the embedded Kafka and a real one all run them.
import { after, before, describe } from 'node:test';
import type { KafkaFactory } from '../../src/core/ports.js';
import { adminTests } from './ports/admin.js';
import { consumerTests } from './ports/consumer.js';
import { groupTests } from './ports/group.js';
import { producerTests } from './ports/producer.js';
import { recordsTests } from './ports/records.js';
import { type Abilities, PortSuite } from './ports/suite.js';
import { transactionsTests } from './ports/transactions.js';

/**
 * Declares the suite for one Kafka.
 * @param start makes the factory; called once
 */
export function portSuite(name: string, abilities: Abilities, start: () => Promise<KafkaFactory>): void {
  describe(`Kafka ports: ${name}`, { timeout: 600_000 }, () => {
    const suite = new PortSuite(abilities);
    before(async () => {
      suite.kafka = await start();
    });
    after(() => suite.kafka?.close());

    recordsTests(suite);
    producerTests(suite);
    consumerTests(suite);
    groupTests(suite);
    transactionsTests(suite);
    adminTests(suite);
  });
}
