// The embedded Kafka (librdkafka's mock cluster) keeps the ports' promises as far as it goes.
import { pino } from 'pino';
import { createKafkaFactory } from '../../../src/kafka/factory.js';
import { portSuite } from '../../support/port-suite.js';

const abilities = { admin: false, isolation: false, sizeLimit: false };

portSuite('embedded', abilities, () => createKafkaFactory({ embedded: true, log: pino({ level: 'silent' }) }));
