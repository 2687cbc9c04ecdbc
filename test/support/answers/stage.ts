// A real Kafka behind a BrokerDouble, with the topic and the groups that the victim asks about.

import { type NativeConsumer, native } from '../../../src/kafka/native.js';
import { eventually } from '../eventually.js';
import { KafkaServer } from '../kafka-server.js';
import { int16, int32, KafkaWire, list, text } from '../kafka-wire.js';
import { BrokerDouble } from './broker-double.js';
import { subjects } from './victim.js';

/** `consumer`'s assignment of partition 0. */
const assignment = Buffer.concat([
  int16(0),
  list([Buffer.concat([text(subjects.topic), list([int32(0)])])]),
  int32(-1),
]);

export class AnswerStage {
  readonly double: BrokerDouble;
  readonly #kafka: KafkaServer;
  readonly #broker: KafkaWire;
  readonly #member: NativeConsumer;

  private constructor(double: BrokerDouble, kafka: KafkaServer, broker: KafkaWire, member: NativeConsumer) {
    this.double = double;
    this.#kafka = kafka;
    this.#broker = broker;
    this.#member = member;
  }

  static async start(): Promise<AnswerStage> {
    const double = await BrokerDouble.listen();
    const kafka = await KafkaServer.start({ properties: { 'advertised.listeners': `PLAINTEXT://${double.address}` } });
    double.target = Number(kafka.brokers.split(':')[1]);
    const broker = await KafkaWire.open(kafka.brokers);
    await broker.createTopics([subjects.topic], 2);
    await broker.join(subjects.classic, 'consumer', Buffer.alloc(6), assignment);
    await broker.join(subjects.odd, 'connect', Buffer.from('{}'), Buffer.from([1]));
    const member = await latestMember(double.address);
    return new AnswerStage(double, kafka, broker, member);
  }

  /** A topic of one partition. */
  makeTopic(name: string): Promise<void> {
    return this.#broker.createTopics([name]);
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#member.disconnect(resolve));
    this.#broker.close();
    await this.#kafka.stop();
    this.double.close();
  }
}

/** A member of a group of Kafka 4's protocol, with an assignment. */
async function latestMember(brokers: string): Promise<NativeConsumer> {
  const client = new native.KafkaConsumer(
    { 'bootstrap.servers': brokers, 'group.id': subjects.latest, 'group.protocol': 'consumer' },
    {},
  );
  await new Promise<void>((resolve, reject) => client.connect((error) => (error ? reject(error) : resolve())));
  client.subscribe([subjects.topic]);
  await eventually(30_000, async () => {
    await new Promise<void>((resolve) => client.consumeBatch(100, 1, () => resolve()));
    const assigned = client.assignments();
    return typeof assigned !== 'number' && assigned.length > 0;
  });
  return client;
}
