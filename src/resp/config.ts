// The `resp` section of the configuration: what the RESP face needs, with defaults.
import { z } from 'zod';

const ms = z.number().int().min(0);
const bytes = z.number().int().min(0);

/** What the Kafka side of RESP connections needs. */
export const kafkaSettings = {
  /** How a BLPOP time-out is read; auto: a whole number of 1000 or more is milliseconds, anything else seconds. */
  blpopTimeoutUnit: z.enum(['auto', 's', 'ms']).default('auto'),
  /** How long a connection is held back by a full queue or a missing broker before RPUSHX answers an error. */
  produceTimeoutMs: ms.default(5_000),
  /** How long a closing connection's producer may take to deliver what it holds. */
  producerFlushMs: ms.default(5_000),
  /** A producer with nothing in flight is given back after this long; 0: never. */
  producerIdleTimeoutMs: ms.default(60_000),
  /** How long a consumer may take to leave its group and commit. */
  consumerCloseMs: ms.default(5_000),
  /** Consumers open at once; each may hold a thread of the pool (UV_THREADPOOL_SIZE) while it waits. */
  maxConsumers: z.number().int().min(1).default(400),
  /** Bytes of messages that wait for one consuming connection, in the gateway and again in librdkafka. */
  maxPrefetchBytes: bytes.min(1_024).default(8 * 1_024 * 1_024),
  /** Let clients use topics whose names begin with `__`. */
  allowInternalTopics: z.boolean().default(false),
};

const kafkaSchema = z.strictObject(kafkaSettings);

export type KafkaSettings = z.infer<typeof kafkaSchema>;
