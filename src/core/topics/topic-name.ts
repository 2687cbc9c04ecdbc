// Which topic names are legal, and which of them clients may use.
import { fail } from '../../errors.js';

const legal = /^[A-Za-z0-9._-]{1,249}$/;

/** Kafka's own rule for topic names (org.apache.kafka.common.internals.Topic). */
export function isLegalTopicName(name: string): boolean {
  return legal.test(name) && name !== '.' && name !== '..';
}

/** Topics of Kafka and its tools, hidden from clients. */
export function isInternalTopic(name: string): boolean {
  return name.startsWith('__');
}

/** @throws GatewayError `topic-invalid` (a regex subscription, `^...`, would bypass all rights), `topic-internal`. */
export function checkTopicName(name: string, allowInternal = false): void {
  if (!isLegalTopicName(name)) throw fail('topic-invalid', name);
  if (isInternalTopic(name) && !allowInternal) throw fail('topic-internal', name);
}
