// `rafka ris --dry-run`: converts a file of RIS Live lines to BMP, with the worker's parsing, ordering and encoding, without Kafka or Redis.
import { constants, createReadStream, createWriteStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { EncoderCounts } from '../bmp/counts.js';
import { RisEncoder } from '../bmp/encoder.js';
import type { BmpRecord, EncoderOptions } from '../bmp/record.js';
import { envelopeOf, type LineEnvelope } from '../feed/envelope.js';
import { InputError } from '../feed/input-error.js';
import { type MalformedReason, parseLine } from '../feed/message.js';
import { Reorder } from '../feed/order.js';
import { pcapHeader, pcapPackets } from './pcap.js';

export interface DryRunOptions {
  /** A file with one JSON message a line; gzip if it ends in .gz. */
  readonly input: string;
  /** The extension decides: .tsv (`<RIS id or -><TAB><hex>`), .hex (one message a line), .pcap. */
  readonly output: string;
  readonly reorderMs?: number;
  /** Default publish: a conversion loses nothing. */
  readonly late?: 'drop' | 'publish';
  readonly encoder?: Partial<EncoderOptions>;
}

export interface DryRunReport {
  lines: number;
  control: number;
  late: number;
  duplicates: number;
  malformed: Partial<Record<MalformedReason, number>>;
  readonly encoder: EncoderCounts;
}

/** Far above what a file has within half a second of its own time. */
const maxHeld = 100_000;

/**
 * Converts the whole file. The order window uses the messages' own times; bad lines are counted, never fatal.
 * @throws Error of the file system; InputError for an output with an unknown extension, or one that cannot hold the framing.
 */
export async function dryRun(options: DryRunOptions): Promise<DryRunReport> {
  const format = formatOf(options.output);
  if (options.output.endsWith('.pcap') && options.encoder?.framing === 'obmp') {
    throw new InputError('a .pcap holds BMP as routers send it: no OpenBMP framing');
  }
  // Before an empty output file is created.
  await access(options.input, constants.R_OK);
  const encoder = new RisEncoder(options.encoder);
  const report: DryRunReport = { lines: 0, control: 0, late: 0, duplicates: 0, malformed: {}, encoder: encoder.counts };
  const convert = async function* (): AsyncGenerator<Buffer | string> {
    yield format.head();
    for await (const held of ordered(options, report)) {
      for (const peeked of held) {
        const read = parseLine(peeked.line, peeked);
        if (read.kind === 'malformed') countMalformed(report, read.reason);
        if (read.kind === 'message') for (const record of encoder.encode(read.message)) yield format.write(record);
      }
    }
  };
  // Small pieces would each cost a write.
  await pipeline(Readable.from(gathered(convert())), createWriteStream(options.output));
  for (const [reason, count] of Object.entries(encoder.counts.malformed)) {
    countMalformed(report, reason as MalformedReason, count);
  }
  return report;
}

function countMalformed({ malformed }: DryRunReport, reason: MalformedReason, by = 1): void {
  malformed[reason] = (malformed[reason] ?? 0) + by;
}

async function* ordered(options: DryRunOptions, report: DryRunReport): AsyncGenerator<LineEnvelope[]> {
  const { reorderMs = 500, late = 'publish' } = options;
  const order = new Reorder<LineEnvelope>({ windowMs: reorderMs, late, maxHeld });
  let now = 0;
  for await (const line of lines(options.input)) {
    if (line.trim() === '') continue;
    report.lines++;
    const peeked = envelopeOf(line);
    if (peeked.kind === 'control') report.control++;
    if (peeked.kind === 'malformed') countMalformed(report, peeked.reason);
    if (peeked.kind !== 'line') continue;
    now = Math.max(now, peeked.seconds * 1000 + peeked.micros / 1000);
    const verdict = order.push(peeked, now);
    if (verdict === 'late') report.late++;
    if (verdict === 'duplicate') report.duplicates++;
    yield order.take(now);
  }
  yield order.flush();
}

function lines(path: string): AsyncIterable<string> {
  const file = createReadStream(path);
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  // pipe() does not forward errors: a missing file must end the reading, not the process.
  if (input !== file) file.on('error', (error) => input.destroy(error));
  return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}

async function* gathered(pieces: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    held.push(bytes);
    size += bytes.length;
    if (size < 65_536) continue;
    yield Buffer.concat(held);
    held = [];
    size = 0;
  }
  yield Buffer.concat(held);
}

interface Format {
  head(): Buffer | string;
  write(record: BmpRecord): Buffer | string;
}

function formatOf(path: string): Format {
  if (path.endsWith('.tsv')) {
    return { head: () => '', write: ({ risId, value }) => `${risId ?? '-'}\t${value.toString('hex')}\n` };
  }
  if (path.endsWith('.hex')) return { head: () => '', write: ({ value }) => `${value.toString('hex')}\n` };
  if (path.endsWith('.pcap')) {
    let index = 0;
    return { head: pcapHeader, write: ({ value, timestampMs }) => pcapPackets(value, index++, timestampMs) };
  }
  throw new InputError(`output '${path}': its name must end in .tsv, .hex or .pcap`);
}
