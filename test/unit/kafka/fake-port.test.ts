// The fake Kafka keeps the ports' promises.
import { FakeKafka } from '../../support/fake-kafka.js';
import { portSuite } from '../../support/port-suite.js';

const abilities = { admin: true, isolation: true, sizeLimit: false };

portSuite('fake', abilities, async () => new FakeKafka());
