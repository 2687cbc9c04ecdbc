// Is the memory of parse + order + encode flat? Feeds recorded lines at a steady rate, their times moved on in each round.
// usage: node build/test/bench/ris-memory.js [seconds] [lines/s] [file.jsonl[.gz]]      (default 20 s at 12,000/s, as the whole firehose)
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { RisEncoder } from '../../src/ris/bmp/encoder.js';
import { envelopeOf, type LineEnvelope } from '../../src/ris/feed/envelope.js';
import { parseLine } from '../../src/ris/feed/message.js';
import { Reorder } from '../../src/ris/feed/order.js';
import { sharedDir } from '../support/needs.js';
import { row } from './yardsticks/table.js';

const [length, pace, file] = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const seconds = Number(length ?? 20);
const rate = Number(pace ?? 12_000);
const path = file ?? `${sharedDir}/data/ris/mrt_2016_rrc21.jsonl.gz`;
if (!existsSync(path)) {
  console.error(`no ${path}: name a file of RIS Live lines`);
  process.exit(2);
}
const bytes = readFileSync(path);
const lines = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n').slice(0, -1);
const span = 3600;

/** The same line, `round` hours later: new time, new id. */
function moved(line: string, round: number): string {
  const time = line.indexOf('"timestamp":') + 12;
  const seconds = Number(line.slice(time, time + 10)) + round * span;
  return (
    line.slice(0, time) +
    seconds +
    line.slice(time + 10).replace(/-[0-9a-f]{12}([0-9a-f]{4}")/, `-${seconds.toString(16).padStart(12, '0')}$1`)
  );
}

const encoder = new RisEncoder();
const order = new Reorder<LineEnvelope>({ windowMs: 500, late: 'publish', maxHeld: 100_000 });
const started = performance.now();
const samples: number[] = [];
let fed = 0;
let made = 0;
let report = 0;
let behind = 0;
for (let now = 0; now < seconds * 1000; now = performance.now() - started) {
  // On a machine that is too busy it falls behind its rate rather than feeding without a break.
  for (const due = Math.min((now / 1000) * rate - behind, fed + rate / 10); fed < due; fed++) {
    const peeked = envelopeOf(moved(lines[fed % lines.length]!, Math.floor(fed / lines.length)));
    if (peeked.kind === 'line') order.push(peeked, now);
  }
  behind = Math.max(behind, Math.round((now / 1000) * rate - fed));
  for (const { line } of order.take(now)) {
    const read = parseLine(line);
    if (read.kind === 'message') made += encoder.encode(read.message).length;
  }
  if (now >= report) {
    // What a checkpoint takes.
    const checkpoint = JSON.stringify([order.snapshot(), encoder.peers.snapshot()]).length;
    global.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    const mib = (value: number): string => (value / 1048576).toFixed(1).padStart(7);
    samples.push(rss / 1048576);
    console.error(
      `${String(Math.round(now / 1000)).padStart(4)} s  ${fed} lines  ${made} records  held ${order.held}  ` +
        `rss ${mib(rss)}  heap ${mib(heapUsed)}  external ${mib(external)} MiB  checkpoint ${checkpoint} B`,
    );
    report += Math.max(1000, (seconds * 1000) / 20);
  }
  await sleep(10);
}
const { user, system } = process.cpuUsage();
const late = samples.slice(-5);
const middle = samples.slice(5, 10);
const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const what = `RIS Live for ${seconds} s, ${Math.round(fed / seconds).toLocaleString('en')} lines/s`;
row({ what: `${what}: CPU of one core`, ours: (user + system) / 1e4 / seconds, unit: ' %' });
row({
  what: `${what}: memory of the last quarter`,
  ours: mean(late),
  unit: ' MiB',
  against: 'the second',
  yardstick: mean(middle),
});
