// Dead letters: the record that replaces an entry without an ack in time.
import type { Message } from '../ports.js';
import type { RecordParts } from './record-parts.js';

/** The record and its topic, `<topic>.dlq`: key, value and headers as they were, and where it came from in headers of its own. */
export function deadLetter(message: Message, group: string, deliveries: number): { record: RecordParts; to: string } {
  const { topic, partition, offset, key, value, headers } = message;
  const origin = { topic, partition, offset, group, deliveries };
  const added = Object.entries(origin).map(([name, what]) => ({
    key: `dlq.${name}`,
    value: Buffer.from(String(what)),
  }));
  return {
    record: { key, value: value ?? Buffer.alloc(0), headers: [...headers, ...added], hasValue: true },
    to: `${topic}.dlq`,
  };
}
