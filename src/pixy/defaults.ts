// librdkafka properties for queue consumers and for producers of single requests.

/** Properties that a queue consumer requires, whatever the user's settings. */
export const consumerProperties = {
  'isolation.level': 'read_uncommitted',
  'enable.auto.commit': false,
  'enable.auto.offset.store': false,
  // Only used if the log was cut below a position: start positions are always given.
  'auto.offset.reset': 'earliest',
  'partition.assignment.strategy': 'range',
  // How long a group waits for a member that has vanished.
  'session.timeout.ms': 10_000,
  'queued.max.messages.kbytes': 8_192,
  'queued.min.messages': 1_000,
  'allow.auto.create.topics': false,
  'topic.metadata.refresh.interval.ms': 30_000,
} as const;

/** Saves Kafka a hundred small requests a second and more per partition, and a record may as well be lost in librdkafka's queue. */
export const defaultLingerMs = 10;

/** Properties for a producer of single requests: equal keys go where Kafka-Pixy puts them, and missing topics are reported early. */
export const producerProperties = {
  partitioner: 'fnv1a_random',
  'sticky.partitioning.linger.ms': 0,
  'topic.metadata.propagation.max.ms': 1_000,
} as const;
