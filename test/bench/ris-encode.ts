// RIS Live lines to BMP records on one core: parse + order + encode, against JSON.parse of the same lines in the same run.
// usage: node build/test/bench/ris-encode.js [file.jsonl[.gz]] [rounds]
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { RisEncoder } from '../../src/ris/encoder.js';
import { parseLine } from '../../src/ris/message.js';
import { Reorder } from '../../src/ris/order.js';
import { type PeekedLine, peekLine } from '../../src/ris/peek.js';

const shared = process.env.RAFKA_SHARED ?? new URL('../../../../shared', import.meta.url).pathname;
const path = process.argv[2] ?? `${shared}/data/ris/mrt_2016_rrc21.jsonl.gz`;
const rounds = Number(process.argv[3] ?? 9);
if (!existsSync(path)) {
  console.error(`no ${path}: name a file of RIS Live lines`);
  process.exit(2);
}
const bytes = readFileSync(path);
const lines = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes)
  .toString()
  .split('\n')
  .filter((line) => line !== '');

/** The worker's path without sockets and Kafka; lines arrive 12 to the millisecond, as on the whole firehose. */
function convert(useRaw: boolean): number {
  const encoder = new RisEncoder({ useRaw });
  const order = new Reorder<PeekedLine>({ windowMs: 500, late: 'publish', maxHeld: 100_000 });
  let records = 0;
  const leave = (held: PeekedLine[]): void => {
    for (const { line } of held) {
      const read = parseLine(line);
      if (read.kind === 'message') records += encoder.encode(read.message).length;
    }
  };
  for (let i = 0; i < lines.length; i++) {
    const peeked = peekLine(lines[i]!);
    if (peeked.kind !== 'line') continue;
    order.push(peeked, i / 12);
    if (i % 12 === 0) leave(order.take(i / 12));
  }
  leave(order.flush());
  return records;
}

function parseOnly(): number {
  let sum = 0;
  for (const line of lines) sum += JSON.parse(line).data.timestamp;
  return sum;
}

function seconds(run: () => number): number {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

const runs = {
  'JSON.parse': parseOnly,
  parseLine: () => lines.reduce((count, line) => count + (parseLine(line).kind === 'message' ? 1 : 0), 0),
  raw: () => convert(true),
  'no raw': () => convert(false),
};
const times = Object.fromEntries(Object.keys(runs).map((name) => [name, [] as number[]]));
for (let round = -2; round < rounds; round++) {
  for (const [name, run] of Object.entries(runs)) {
    const taken = seconds(run);
    if (round >= 0) times[name]!.push(taken);
  }
}
const yardstick = median(times['JSON.parse']!);
console.log(`${lines.length} lines, node ${process.version}, median of ${rounds}`);
for (const [name, taken] of Object.entries(times)) {
  const middle = median(taken);
  const rate = Math.round(lines.length / middle / 1000);
  console.log(
    `${name.padEnd(12)} ${String(rate).padStart(5)} k lines/s   ${(middle / yardstick).toFixed(2)} x JSON.parse`,
  );
}
