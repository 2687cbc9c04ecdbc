// Adopts a target that kaf-relay filled, by its rule, `end offset of the target = next source offset`: once, and after checks.
import { type KafkaFactory, type Message, OFFSET_BEGINNING, type Properties } from '../../core/ports.js';
import { all } from '../../core/promises.js';
import { fail } from '../../errors.js';
import { checkpointReaderProperties } from '../config/properties.js';
import { type Mapping, mappingName } from '../config/topic-map.js';
import { nanoseconds } from '../record/translate.js';
import type { SourceTopic } from '../topics/source-topic.js';

/** Next source offsets by partition, from the target's end offsets; undefined: the target is empty, start at the beginning. */
export async function targetEnds(
  kafka: KafkaFactory,
  mapping: Mapping,
  partitions: number,
): Promise<Map<number, number> | undefined> {
  const asked = mapping.pin === undefined ? Array.from({ length: partitions }, (_, index) => index) : [mapping.pin];
  const places = asked.map((partition) => ({ topic: mapping.target, partition }));
  const ends = await kafka.admin.edges(places, 'high');
  if (ends.every(({ offset }) => offset <= 0)) return undefined;
  // A pinned target can only be mapped back to a source with one partition: its first.
  if (mapping.pin !== undefined) return new Map([[0, ends[0]!.offset]]);
  return new Map(ends.map(({ partition, offset }) => [partition, offset]));
}

/**
 * Checks the rule: the last message of each target partition must be the source's message at that number.
 * @throws GatewayError `relay-refused` if a message would be skipped or repeated
 */
export async function checkAdoption(options: {
  readonly mapping: Mapping;
  readonly target: KafkaFactory;
  readonly source: KafkaFactory;
  readonly topic: SourceTopic;
  readonly ends: ReadonlyMap<number, number>;
  readonly timeoutMs: number;
}): Promise<void> {
  const { mapping, topic, ends } = options;
  const refuse = (why: string): Error =>
    fail(
      'relay-refused',
      mappingName(mapping),
      `the target holds messages without a record of progress, and ${why}. To copy the topic again from its beginning: --restart-topic ${mapping.source}`,
    );
  if (mapping.pin !== undefined && topic.partitions.length > 1) {
    throw refuse(`which of the source's ${topic.partitions.length} partitions they came from cannot be told`);
  }
  for (const [partition, next] of ends) {
    if (next <= 0) continue;
    const high = topic.high.get(partition) ?? 0;
    if (high < next) throw refuse(`partition ${partition} holds ${next} where the source has ${high}`);
    if ((topic.low.get(partition) ?? 0) >= next) continue;
    const why = await compare(options, partition, next - 1);
    if (why) throw refuse(`partition ${partition} ${why}`);
  }
}

async function compare(
  options: Parameters<typeof checkAdoption>[0],
  partition: number,
  offset: number,
): Promise<string | undefined> {
  const { mapping, timeoutMs } = options;
  const there = { topic: mapping.target, partition: mapping.pin ?? partition };
  const [low, high] = await all(['low', 'high'] as const, (which) => options.target.admin.edges([there], which));
  // All of it was deleted: there is nothing to compare.
  if (low![0]!.offset >= high![0]!.offset) return undefined;
  const [written, read] = await Promise.all([
    messageAt(options.target, there, offset, timeoutMs),
    messageAt(options.source, { topic: mapping.source, partition }, offset, timeoutMs),
  ]);
  if (!written) return `has no message at ${offset} (transaction markers or compaction)`;
  if (!read) return `of the source has no message at ${offset} (transactions or compaction)`;
  if (!isCopy(written, read)) return `does not end with the source's message at ${offset}`;
  return undefined;
}

const same = (a: Buffer | null, b: Buffer | null): boolean => (a === null || b === null ? a === b : a.equals(b));

/** Same key and value, and the source's time if the copy has it. */
function isCopy(written: Message, read: Message): boolean {
  if (!same(written.key, read.key) || !same(written.value, read.value)) return false;
  const times = written.headers.filter((header) => header.key === '_t');
  if (times.length === 0 || read.timestamp < 0) return true;
  return times.some((header) => header.value?.toString() === nanoseconds(read.timestamp));
}

/** The message with exactly this offset; undefined if there is none. @throws KafkaError; GatewayError `relay-waiting` */
async function messageAt(
  kafka: KafkaFactory,
  where: { topic: string; partition: number },
  offset: number,
  timeoutMs: number,
): Promise<Message | undefined> {
  let ended = false;
  let fault = 'no answer';
  const properties: Properties = {
    ...checkpointReaderProperties,
    'isolation.level': 'read_uncommitted',
    'auto.offset.reset': 'earliest',
  };
  const consumer = await kafka.consumer(
    {
      properties,
      onEnd: () => {
        ended = true;
      },
      onFault: ({ message }) => {
        fault = message;
      },
    },
    timeoutMs,
  );
  try {
    consumer.assign([{ ...where, offset: offset < 0 ? OFFSET_BEGINNING : offset }]);
    for (let polls = 0; polls < Math.max(1, timeoutMs / 100); polls++) {
      const [message] = await consumer.poll(1, 100);
      if (message) return message.offset === offset ? message : undefined;
      if (ended) return undefined;
    }
    throw fail('relay-waiting', `${where.topic}[${where.partition}]@${offset}`, `cannot be read: ${fault}`);
  } finally {
    await consumer.close(timeoutMs);
  }
}
