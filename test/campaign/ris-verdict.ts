// The campaign's verdict: reads every topic as a read_committed consumer and holds it against what the stand-in sent.
import type { KafkaFactory, Message } from '../../src/core/ports.js';
import type { Generated } from '../support/ris-live.js';

export interface Verdict {
  readonly sent: number;
  /** Sent and not in Kafka. */
  readonly lost: number;
  /** Not in Kafka, because the stand-in itself was held up and sent them later than the reorder window allows. */
  readonly tooLate: number;
  /** In Kafka more than once. */
  readonly duplicated: number;
  /** Records whose place is before that of an earlier record of the same peer. */
  readonly misordered: number;
  readonly records: number;
  readonly initiations: number;
  readonly peerUps: number;
  /** Each marks a hole for one peer. */
  readonly syntheticPeerDowns: number;
  /** The first few, to look into. */
  readonly examples: readonly string[];
}

const bmp = { peerDown: 2, peerUp: 3, initiation: 4 } as const;
const quietMs = 3_000;

/** Every committed message of the topics that begin so. */
export async function readTopics(kafka: KafkaFactory, prefix: string): Promise<Message[]> {
  const topics = (await kafka.admin.topics()).filter(({ name }) => name.startsWith(prefix));
  const consumer = await kafka.consumer(
    { properties: { 'isolation.level': 'read_committed', 'fetch.queue.backoff.ms': 5 } },
    30_000,
  );
  try {
    consumer.assign(
      topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partition }) => ({ topic: name, partition, offset: -2 })),
      ),
    );
    const all: Message[] = [];
    for (let quietSince = performance.now(); performance.now() - quietSince < quietMs; ) {
      const messages = await consumer.poll(5_000, 500);
      for (const message of messages) all.push(message);
      if (messages.length > 0) quietSince = performance.now();
    }
    return all;
  } finally {
    await consumer.close(5_000);
  }
}

/** Counts what is missing, doubled or out of order. */
export function judge(sent: readonly Generated[], messages: readonly Message[], windowMs: number): Verdict {
  const seen = new Map<string, number>();
  const lastOf = new Map<string, string>();
  const counts = { initiations: 0, peerUps: 0, syntheticPeerDowns: 0, misordered: 0 };
  const examples: string[] = [];
  for (const message of messages) {
    const id = header(message, 'ris-id');
    const type = message.value?.[5];
    if (type === bmp.initiation) counts.initiations++;
    if (type === bmp.peerUp) counts.peerUps++;
    if (type === bmp.peerDown && id === null) counts.syntheticPeerDowns++;
    if (id === null) continue;
    seen.set(id, (seen.get(id) ?? 0) + 1);
    const peer = id.slice(0, id.lastIndexOf('-'));
    const place = id.slice(peer.length);
    if (place < (lastOf.get(peer) ?? '')) {
      counts.misordered++;
      if (examples.length < 10) examples.push(`misordered ${id} after ${lastOf.get(peer)}`);
    } else lastOf.set(peer, place);
  }
  const missing = sent.filter(({ id }) => !seen.has(id));
  const lost = missing.filter(({ delayMs = 0 }) => delayMs < windowMs).map(({ id }) => id);
  const tooLate = missing.length - lost.length;
  const doubled = [...seen].filter(([, count]) => count > 1).map(([id]) => id);
  examples.push(...lost.slice(0, 10).map((id) => `lost ${id}`), ...doubled.slice(0, 10).map((id) => `doubled ${id}`));
  return {
    sent: sent.length,
    lost: lost.length,
    tooLate,
    duplicated: doubled.length,
    records: messages.length,
    ...counts,
    examples,
  };
}

const header = ({ headers }: Message, name: string): string | null =>
  headers.find(({ key }) => key === name)?.value?.toString() ?? null;
