// Marks: the first and the next offset of each partition of a topic.
import { sleep } from '../../clock.js';
import { type Admin, isPassing, KafkaError } from '../../ports.js';
import type { TopicCatalog } from '../../topics/topic-catalog.js';

export interface Marks {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

/** How long partitions may be without a leader (a new topic, a broker that went) before that is an error, ms. */
const leaderMs = 3_000;
const leaderRetryMs = 50;
/** How long a read waits until Kafka shows what EXECs have written, and how often it looks, ms. */
const shownMs = 1_000;
const shownRetryMs = 10;

/**
 * A topic's partitions with what they hold, records of EXECs that this gateway has answered included; undefined when there is no such topic.
 * @throws KafkaError, also when it may not be seen
 */
export async function marksOf(catalog: TopicCatalog, admin: Admin, topic: string): Promise<Marks[] | undefined> {
  const { clock, written } = catalog;
  await written.learn(topic);
  const deadline = clock.monotonic() + shownMs;
  for (;;) {
    const marks = await marksNow(catalog, admin, topic);
    if (!written.areHidden(topic, marks)) return marks;
    if (clock.monotonic() > deadline) {
      // An open transaction of another program is in front of them, or the topic was deleted.
      written.forget(topic);
      return marks;
    }
    if (!marks) catalog.forget();
    await sleep(clock, shownRetryMs);
  }
}

async function marksNow(catalog: TopicCatalog, admin: Admin, topic: string): Promise<Marks[] | undefined> {
  const { clock } = catalog;
  const deadline = clock.monotonic() + leaderMs;
  for (;;) {
    const found = (await catalog.all()).get(topic);
    if (!found) {
      await catalog.checkVisible(topic);
      return undefined;
    }
    try {
      return await admin.watermarks(found.partitions.map(({ partition }) => ({ topic, partition })));
    } catch (error) {
      if (!(error instanceof KafkaError) || !isPassing(error) || clock.monotonic() > deadline) throw error;
    }
    await sleep(clock, leaderRetryMs);
  }
}

export const lengthOf = (marks: readonly Marks[]): number =>
  marks.reduce((sum, { low, high }) => sum + Math.max(0, high - low), 0);
