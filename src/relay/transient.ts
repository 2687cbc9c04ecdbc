// Which failures are worth another try, as opposed to a refusal or a bug.
import { KafkaCode, KafkaError, type KafkaFault } from '../core/ports.js';
import { GatewayError } from '../errors.js';

export const isPassing = (error: unknown): error is KafkaError | GatewayError =>
  error instanceof KafkaError || (error instanceof GatewayError && error.code === 'relay-waiting');

/** librdkafka's local code for a position that does not exist, with auto.offset.reset=error. */
const offsetReset = -140;
/** Errors after which a reader's cluster is of no use at the moment. */
const ending: ReadonlySet<number> = new Set([
  KafkaCode.allBrokersDown,
  KafkaCode.offsetOutOfRange,
  KafkaCode.unknownTopicOrPartition,
  KafkaCode.unknownTopicLocal,
  KafkaCode.unknownPartition,
  KafkaCode.topicAuthorizationFailed,
  offsetReset,
]);

/** Whether a consumer's fault says that it will bring nothing more for now. */
export const isEnding = (fault: KafkaFault): boolean => fault.fatal || ending.has(fault.code);
