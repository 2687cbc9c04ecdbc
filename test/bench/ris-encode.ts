// RIS Live lines to BMP records on one core: parse + order + encode, against JSON.parse of the same lines in the same run.
// usage: node build/test/bench/ris-encode.js [file.jsonl[.gz]] [rounds]
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { RisEncoder } from '../../src/ris/bmp/encoder.js';
import { envelopeOf, type LineEnvelope } from '../../src/ris/feed/envelope.js';
import { parseLine } from '../../src/ris/feed/message.js';
import { Reorder } from '../../src/ris/feed/order.js';
import { row } from './yardsticks/table.js';

const shared = process.env.RAFKA_SHARED ?? new URL('../../../../shared', import.meta.url).pathname;
const [file, howOften] = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const path = file ?? `${shared}/data/ris/mrt_2016_rrc21.jsonl.gz`;
const rounds = Number(howOften ?? (process.argv.includes('--quick') ? 3 : 9));
if (!existsSync(path)) {
  console.error(`no ${path}: name a file of RIS Live lines`);
  process.exit(2);
}
const bytes = readFileSync(path);
const lines = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes)
  .toString()
  .split('\n')
  .filter((line) => line !== '');

/** As a feed without includeRaw brings them. */
const withoutRaw = lines.map((line) => line.replace(/"raw":"[^"]*",|,"raw":"[^"]*"/, ''));

/** The worker's path without sockets and Kafka; lines arrive 12 to the millisecond, as on the whole firehose. */
function convert(lines: readonly string[]): number {
  const encoder = new RisEncoder();
  const order = new Reorder<LineEnvelope>({ windowMs: 500, late: 'publish', maxHeld: 100_000 });
  let records = 0;
  const leave = (held: LineEnvelope[]): void => {
    for (const peeked of held) {
      const read = parseLine(peeked.line, peeked);
      if (read.kind === 'message') records += encoder.encode(read.message).length;
    }
  };
  for (let i = 0; i < lines.length; i++) {
    const peeked = envelopeOf(lines[i]!);
    if (peeked.kind !== 'line') continue;
    order.push(peeked, i / 12);
    if (i % 12 === 0) leave(order.take(i / 12));
  }
  leave(order.flush());
  return records;
}

function parseOnly(lines: readonly string[]): number {
  let sum = 0;
  for (const line of lines) sum += JSON.parse(line).data.timestamp;
  return sum;
}

/** CPU time, the collector's threads included: a core's worth, whatever else runs on the machine. */
function seconds(run: () => number): number {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

/** The yardstick and ours, with `raw` and without. */
const runs: (() => number)[] = [
  () => parseOnly(lines),
  () => convert(lines),
  () => parseOnly(withoutRaw),
  () => convert(withoutRaw),
];
const times = runs.map(() => [] as number[]);
for (let round = -2; round < rounds; round++) {
  runs.forEach((run, i) => {
    const taken = seconds(run);
    if (round >= 0) times[i]!.push(taken);
  });
}
const middles = times.map(median);
const rates = middles.map((middle) => lines.length / middle);
for (const [index, name] of ['with raw', 'without raw'].entries()) {
  const [yardstick, ours] = rates.slice(2 * index);
  const what = `RIS Live ${name} to BMP records: lines a CPU second`;
  row({ what, ours: ours!, yardstick: yardstick!, unit: '/s', against: 'JSON.parse' });
}
