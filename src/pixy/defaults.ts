// What shared consumers and producers of single requests need of librdkafka.

/** What a shared consumer needs of librdkafka, whatever the user wishes otherwise. */
export const consumerProperties = {
  'isolation.level': 'read_uncommitted',
  'enable.auto.commit': false,
  'enable.auto.offset.store': false,
  // Only where the log was cut below a position: start positions are always given.
  'auto.offset.reset': 'earliest',
  'partition.assignment.strategy': 'range',
  // How long a group waits for a member that has vanished.
  'session.timeout.ms': 10_000,
  'queued.max.messages.kbytes': 8_192,
  'queued.min.messages': 1_000,
  'allow.auto.create.topics': false,
  'topic.metadata.refresh.interval.ms': 30_000,
} as const;

/** Spares Kafka a hundred small requests a second and more of each partition, and a record may as well be lost in librdkafka's queue. */
export const longestGatherMs = 10;

/** What a producer of single requests needs: equal keys where Kafka-Pixy puts them, and a quick word on missing topics. */
export const producerProperties = {
  partitioner: 'fnv1a_random',
  'sticky.partitioning.linger.ms': 0,
  'topic.metadata.propagation.max.ms': 1_000,
} as const;
