// What Kafka refuses for good, as opposed to what works a moment later: a whole topic, or single records.
import { KafkaCode, type KafkaFault } from '../../core/ports.js';

/** Why records are not in Kafka; the label of the counter. */
export type RefusalReason = 'missing' | 'denied' | 'topic' | 'size' | 'timestamp' | 'policy' | 'record';

/** The broker's codes (and the client's own) that concern every record of a topic. */
const ofTopic: ReadonlyMap<number, RefusalReason> = new Map([
  [KafkaCode.unknownTopicOrPartition, 'missing'],
  [KafkaCode.unknownTopicLocal, 'missing'],
  [KafkaCode.topicAuthorizationFailed, 'denied'],
  [KafkaCode.clusterAuthorizationFailed, 'denied'],
  [KafkaCode.invalidTopic, 'topic'],
]);

/** Those that concern a record; the others of its batch are refused with it. */
const ofRecord: ReadonlyMap<number, RefusalReason> = new Map([
  [KafkaCode.messageTooLarge, 'size'],
  [KafkaCode.recordListTooLarge, 'size'],
  [KafkaCode.invalidTimestamp, 'timestamp'],
  [KafkaCode.policyViolation, 'policy'],
  [KafkaCode.invalidRecord, 'record'],
]);

export const isOfTopic = ({ code }: KafkaFault): boolean => ofTopic.has(code);
export const isRefusal = ({ code }: KafkaFault): boolean => ofTopic.has(code) || ofRecord.has(code);
export const reasonOf = ({ code }: KafkaFault): RefusalReason => ofTopic.get(code) ?? ofRecord.get(code) ?? 'topic';

/**
 * Finds the items that make a probe fail, by halves.
 * @param probe says why some of the items are refused; undefined: all of them pass
 * @param mostProbes beyond so many, what is left of a part that was refused counts as refused
 */
export async function refusedAmong<T>(
  items: readonly T[],
  probe: (items: readonly T[]) => Promise<KafkaFault | undefined>,
  mostProbes: number,
): Promise<Map<T, KafkaFault>> {
  const refused = new Map<T, KafkaFault>();
  let probes = 0;
  const look = async (part: readonly T[]): Promise<void> => {
    if (part.length === 0) return;
    probes += 1;
    const fault = await probe(part);
    if (!fault) return;
    if (part.length === 1 || probes >= mostProbes) {
      for (const item of part) refused.set(item, fault);
      return;
    }
    const half = part.length >> 1;
    await look(part.slice(0, half));
    await look(part.slice(half));
  };
  await look(items);
  return refused;
}
