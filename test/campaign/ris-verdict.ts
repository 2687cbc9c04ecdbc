// The campaign's verdict: reads every topic as a read_committed consumer and holds it against what the stand-in sent.
import type { KafkaFactory, Message } from '../../src/core/ports.js';
import type { Generated } from '../support/ris-live.js';

/** What need not be in Kafka, or not in its place. */
export interface Exceptions {
  /**
   * What Kafka refused for good, with this message or alone: a topic is marked before it goes on; for a record, soon after its place.
   * undefined: nothing.
   */
  readonly refusal: (message: Generated) => 'topic' | 'record' | undefined;
  /** Ids of messages dated ahead of the clock: they stand where they arrived. */
  readonly ahead: ReadonlySet<string>;
}

const noExceptions: Exceptions = { refusal: () => undefined, ahead: new Set() };

export interface Verdict {
  readonly sent: number;
  /** Sent and not in Kafka. */
  readonly lost: number;
  /** Not in Kafka, because the stand-in itself was held up and sent them later than the reorder window allows. */
  readonly tooLate: number;
  /** Not in Kafka, because it refused them. */
  readonly refused: number;
  /** Refused messages without the Peer Down that marks them. */
  readonly unmarked: number;
  /** Records with the time of producing, because Kafka would not take theirs. */
  readonly clamped: number;
  /** In Kafka more than once. */
  readonly duplicated: number;
  /** Records whose place is before that of an earlier record of the same peer. */
  readonly misordered: number;
  readonly records: number;
  readonly initiations: number;
  readonly peerUps: number;
  /** Each marks a hole for one peer; those of peers with refused messages are marks. */
  readonly syntheticPeerDowns: number;
  readonly marks: number;
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
export function judge(
  sent: readonly Generated[],
  messages: readonly Message[],
  windowMs: number,
  { refusal, ahead }: Exceptions = noExceptions,
): Verdict {
  const seen = new Map<string, number>();
  const lastOf = new Map<string, string>();
  const counts = { initiations: 0, peerUps: 0, misordered: 0, clamped: 0 };
  const examples: string[] = [];
  for (const message of messages) {
    const id = header(message, 'ris-id');
    const type = message.value?.[5];
    if (type === bmp.initiation) counts.initiations++;
    if (type === bmp.peerUp) counts.peerUps++;
    if (header(message, 'ris-time') !== null) counts.clamped++;
    if (id === null) continue;
    seen.set(id, (seen.get(id) ?? 0) + 1);
    if (ahead.has(id)) continue;
    const { peer, place } = partsOf(id);
    if (place < (lastOf.get(peer) ?? '')) {
      counts.misordered++;
      if (examples.length < 10) examples.push(`misordered ${id} after ${lastOf.get(peer)}`);
    } else lastOf.set(peer, place);
  }
  const missing = sent.filter(({ id }) => !seen.has(id));
  const refused = missing.filter((message) => refusal(message) !== undefined);
  const others = missing.filter((message) => refusal(message) === undefined);
  const lost = others.filter(({ delayMs = 0 }) => delayMs < windowMs).map(({ id }) => id);
  const doubled = [...seen].filter(([, count]) => count > 1).map(([id]) => id);
  examples.push(...lost.slice(0, 10).map((id) => `lost ${id}`), ...doubled.slice(0, 10).map((id) => `doubled ${id}`));
  const marking = judgeMarks(
    refused.map((message) => ({ ...partsOf(message.id), alone: refusal(message) === 'record' })),
    messages,
    ahead,
  );
  examples.push(...marking.unmarked.slice(0, 10).map((id) => `unmarked ${id}`));
  return {
    sent: sent.length,
    lost: lost.length,
    tooLate: others.length - lost.length,
    refused: refused.length,
    unmarked: marking.unmarked.length,
    duplicated: doubled.length,
    records: messages.length,
    ...counts,
    syntheticPeerDowns: marking.holes,
    marks: marking.marks,
    examples,
  };
}

interface Refused {
  readonly peer: string;
  readonly place: string;
  readonly alone: boolean;
}

/** @returns the refused messages without a Peer Down in their place; a topic has one peer */
function judgeMarks(refused: readonly Refused[], messages: readonly Message[], ahead: ReadonlySet<string>) {
  const missing = new Map<string, Refused[]>();
  for (const each of refused.toSorted((a, b) => (a.place < b.place ? -1 : 1)))
    missing.set(each.peer, [...(missing.get(each.peer) ?? []), each]);
  const unmarked: string[] = [];
  /** Those that are passed and wait for their mark. */
  let due: Refused[] = [];
  const marked = new Set<string>();
  let [holes, marks] = [0, 0];
  for (const message of messages) {
    const peer = message.key?.toString() ?? '';
    const left = missing.get(peer);
    const id = header(message, 'ris-id');
    if (id === null && message.value?.[5] === bmp.peerDown) {
      if (!left) holes++;
      else marks++;
      marked.add(peer);
      due = due.filter((each) => each.peer !== peer);
    } else if (id !== null && left && !ahead.has(id)) {
      const { place } = partsOf(id);
      const passed = left.splice(0, left.filter((each) => each.place < place).length);
      if (!marked.has(peer)) {
        due.push(...passed.filter(({ alone }) => alone));
        unmarked.push(...passed.filter(({ alone }) => !alone).map(nameOf));
      }
      marked.delete(peer);
    }
  }
  return { unmarked: [...unmarked, ...due.map(nameOf)], holes, marks };
}

const nameOf = ({ peer, place }: Refused): string => `${peer}${place}`;

function partsOf(id: string): { readonly peer: string; readonly place: string } {
  const dash = id.lastIndexOf('-');
  return { peer: id.slice(0, dash), place: id.slice(dash) };
}

const header = ({ headers }: Message, name: string): string | null =>
  headers.find(({ key }) => key === name)?.value?.toString() ?? null;
