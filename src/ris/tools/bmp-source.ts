// The input of `rafka bmp decode`: a file in any form of this program or of a TCP capture of BMP, or a topic.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type KafkaFactory, OFFSET_BEGINNING, type TopicPartition } from '../../core/ports.js';
import { InputError } from '../feed/input-error.js';
import { isCapture, pcapPayloads } from './pcap-read.js';

export interface BmpSourceMessage {
  readonly value: Buffer;
  readonly from: string;
}

/** The largest plausible message: a larger length is not BMP. */
const maxMessage = 16 << 20;

/**
 * All messages of a file (gzip when it ends in .gz), or of standard input (`-`): lines of hex, or of `<id><TAB><hex>`; a capture file; else
 * BMP messages one after another, bare or with OpenBMP headers.
 * @throws Error of the file system; InputError where the data is no longer BMP.
 */
export async function* bmpFile(path: string): AsyncGenerator<BmpSourceMessage> {
  const file = path === '-' ? process.stdin : createReadStream(path);
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  if (input !== file) file.on('error', (error: Error) => input.destroy(error));
  const chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const { value: first, done } = await chunks.next();
  if (done) return;
  const all = (async function* () {
    yield first;
    yield* { [Symbol.asyncIterator]: () => chunks };
  })();
  if (isCapture(first)) yield* fromCapture(all);
  else if (isText(first)) yield* fromLines(all);
  else yield* fromStream(all);
}

/** BMP's version 3 and OpenBMP's magic are distinguished from text by the first octet or four. */
const isText = (head: Buffer): boolean => head[0] !== 3 && head.toString('latin1', 0, 4) !== 'OBMP';

async function* fromLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<BmpSourceMessage> {
  let number = 0;
  for await (const line of createInterface({ input: Readable.from(chunks), crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    if (line.trim() === '') continue;
    const tab = line.lastIndexOf('\t');
    const id = tab < 0 || line.startsWith('-\t') ? `line ${number}` : line.slice(0, tab);
    const hex = line.slice(tab + 1).trim();
    if (!/^([0-9a-f]{2})+$/i.test(hex)) throw new InputError(`line ${number} is neither hex nor <id><TAB><hex>`);
    yield { value: Buffer.from(hex, 'hex'), from: id };
  }
}

/** Each connection of a capture carries a stream of messages. */
async function* fromCapture(chunks: AsyncIterable<Buffer>): AsyncGenerator<BmpSourceMessage> {
  const held = new Map<string, Buffer>();
  for await (const { connection, payload, packet } of pcapPayloads(chunks)) {
    let rest = Buffer.concat([held.get(connection) ?? Buffer.alloc(0), payload]);
    for (let length = messageLength(rest, 0); length <= rest.length; length = messageLength(rest, 0)) {
      yield { value: rest.subarray(0, length), from: `packet ${packet}` };
      rest = rest.subarray(length);
    }
    if (rest.length > 0) held.set(connection, rest);
    else held.delete(connection);
  }
  for (const [connection, value] of held) yield { value, from: connection };
}

async function* fromStream(chunks: AsyncIterable<Buffer>): AsyncGenerator<BmpSourceMessage> {
  let held: Buffer = Buffer.alloc(0);
  let offset = 0;
  for await (const chunk of chunks) {
    held = Buffer.concat([held, chunk]);
    for (let length = messageLength(held, offset); length <= held.length; length = messageLength(held, offset)) {
      yield { value: held.subarray(0, length), from: `octet ${offset}` };
      held = held.subarray(length);
      offset += length;
    }
  }
  if (held.length > 0) yield { value: held, from: `octet ${offset}` };
}

/** Infinity while the header is incomplete. */
function messageLength(held: Buffer, offset: number): number {
  const isWrapped = held.toString('latin1', 0, 4) === 'OBMP';
  if (held.length < (isWrapped ? 12 : 6)) return Number.POSITIVE_INFINITY;
  const length = isWrapped ? held.readUInt16BE(6) + held.readUInt32BE(8) : held.readUInt32BE(1);
  if ((!isWrapped && held[0] !== 3) || length < 6 || length > maxMessage)
    throw new InputError(`no BMP at octet ${offset}`);
  return length;
}

export interface BmpTopicOptions {
  readonly topic: string;
  /** true: waits for new messages; false: ends at the current end. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

const connectMs = 30_000;
const pollMs = 500;
const closeMs = 5_000;
const batch = 256;

/**
 * A topic's committed messages, all partitions from their beginning.
 * @throws KafkaError; InputError if there is no such topic.
 */
export async function* bmpTopic(kafka: KafkaFactory, options: BmpTopicOptions): AsyncGenerator<BmpSourceMessage> {
  const { topic, follow, signal } = options;
  const [found] = await kafka.admin.topics([topic]);
  if (found === undefined) throw new InputError(`there is no topic '${topic}'`);
  const open = new Set(found.partitions.map(({ partition }) => partition));
  const onEnd = ({ partition }: TopicPartition): unknown => !follow && open.delete(partition);
  const properties = { 'isolation.level': 'read_committed' };
  const consumer = await kafka.consumer({ properties, onEnd }, connectMs);
  try {
    consumer.assign([...open].map((partition) => ({ topic, partition, offset: OFFSET_BEGINNING })));
    while (!signal.aborted && open.size > 0) {
      for (const { partition, offset, value } of await consumer.poll(batch, pollMs)) {
        yield { value: value ?? Buffer.alloc(0), from: `${topic}/${partition}@${offset}` };
      }
    }
  } finally {
    await consumer.close(closeMs);
  }
}
