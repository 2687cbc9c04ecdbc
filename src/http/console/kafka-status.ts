// The HTTP status of what Kafka refused: forbidden, away, or anything else.
import { isUnreachable, KafkaCode, type KafkaFault } from '../../core/ports.js';

/** Kafka's GROUP_AUTHORIZATION_FAILED, which core need not know. */
const groupAuthorizationFailed = 30;

const forbidden: ReadonlySet<number> = new Set([
  KafkaCode.topicAuthorizationFailed,
  KafkaCode.clusterAuthorizationFailed,
  groupAuthorizationFailed,
]);

export function kafkaStatus(fault: KafkaFault): number {
  if (forbidden.has(fault.code)) return 403;
  return isUnreachable(fault) ? 503 : 500;
}
