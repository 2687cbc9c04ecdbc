// What the Kafka side of one connection needs of all connections' side.
import type { ConsumerSession } from '../../core/consume/consumer-session.js';
import type { ConsumerSessions } from '../../core/consume/consumer-sessions.js';
import type { Clock } from '../../core/ports.js';
import type { LeftRecords } from '../../core/produce/left-records.js';
import type { ProducerSession } from '../../core/produce/producer-session.js';
import type { Streams } from '../../core/streams/streams.js';
import type { Identities } from '../clients/identity.js';
import type { KafkaSettings } from '../config.js';
import type { Siblings } from '../siblings/siblings.js';

/** Who has a name, as those see it who ack under the same one. */
export interface ConsumerOwner {
  readonly consumer: ConsumerSession | undefined;
}

export interface SharedClients {
  readonly settings: KafkaSettings;
  readonly clock: Clock;
  readonly siblings: Siblings;
  readonly streams: Streams;
  readonly consumers: ConsumerSessions;
  readonly identities: Identities<ConsumerOwner>;
  /** What connections that are closed hold and have lost. */
  readonly leftRecords: LeftRecords;
  /**
   * A producer for one connection.
   * @param answered when its messages are answered
   * @param client names it in the log
   */
  producer(answered: 'queued' | 'delivered', client: () => string): ProducerSession;
  /** Flushes and closes a connection's producer. @returns messages that were not delivered. */
  closeProducer(session: ProducerSession): Promise<number>;
  closeConsumer(session: ConsumerSession): Promise<void>;
}
