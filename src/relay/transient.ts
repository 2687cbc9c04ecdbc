// Which failures are worth a retry, as opposed to a refusal or a defect.
import { KafkaCode, KafkaError, type KafkaFault } from '../core/ports.js';
import { GatewayError } from '../errors.js';

export const isTransient = (error: unknown): error is KafkaError | GatewayError =>
  error instanceof KafkaError || (error instanceof GatewayError && error.code === 'relay-waiting');

/** librdkafka's local code for a position that does not exist, with auto.offset.reset=error. */
const offsetReset = -140;
/** Errors after which a reader's cluster is unusable for now. */
const ending: ReadonlySet<number> = new Set([
  KafkaCode.allBrokersDown,
  KafkaCode.offsetOutOfRange,
  KafkaCode.unknownTopicOrPartition,
  KafkaCode.unknownTopicLocal,
  KafkaCode.unknownPartition,
  KafkaCode.topicAuthorizationFailed,
  offsetReset,
]);

/** Whether a consumer's fault means that nothing more will arrive for now. */
export const isEnding = (fault: KafkaFault): boolean => fault.fatal || ending.has(fault.code);
