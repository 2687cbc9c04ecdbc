// The RIS worker from the websocket to committed records on a real Kafka, at given rates: what it keeps up with, and what that costs.
// usage: node build/test/bench/ris-publish.js [--rates 12000,30000,40000] [--seconds 15] [--peers 100] [--input stream.jsonl.gz]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { Generator, RisLiveServer, readLines } from '../support/ris-live.js';
import { row } from './yardsticks/table.js';

const shared = process.env.RAFKA_SHARED ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
const quick = process.argv.includes('--quick');
const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: quick ? '12000' : '12000,30000,40000' },
    seconds: { type: 'string', default: quick ? '10' : '15' },
    quick: { type: 'boolean' },
    peers: { type: 'string', default: '100' },
    input: { type: 'string', default: `${shared}/data/ris/mrt_2016_rrc21.jsonl.gz` },
  },
});

const missing = whyNoKafka();
if (missing) throw new Error(missing);
const host = 'rrc21';
const seconds = Number(values.seconds);
const recorded = existsSync(values.input)
  ? readLines(values.input).filter((line) => line.includes('"type":"UPDATE"'))
  : [];

/** One progress line of the worker. */
interface Progress {
  readonly published: number;
  readonly received: number;
  readonly backlog: number;
  readonly lagMs: number | null;
}

/** Lines a second that JSON.parse alone takes on one core: the yardstick. */
function parseRate(lines: readonly string[]): number {
  let best = 0;
  for (let round = 0; round < 3; round++) {
    const from = performance.now();
    for (const line of lines) JSON.parse(line);
    best = Math.max(best, (lines.length / (performance.now() - from)) * 1000);
  }
  return best;
}

/** User and system time of a process, in s (Linux counts in hundredths). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const rssMb = (pid: number): number =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024);

const kafka = await KafkaServer.start({ fast: true, properties: { 'num.partitions': '1' } });
const live = await RisLiveServer.start();
const program = fileURLToPath(new URL('../../../bin/rafka', import.meta.url));
const flags = ['ris', '--no-ha', '--host', host, '--url', live.url, '--brokers', kafka.brokers, '--progress', '1000'];
const worker = spawn(program, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
const progress: Progress[] = [];
createInterface({ input: worker.stderr! }).on('line', (text) => {
  const line = JSON.parse(text) as Progress & { msg: string; level: number };
  if (line.msg === 'ris progress') progress.push(line);
  else if (line.level >= 40) console.error(text.slice(0, 300));
});
try {
  while (live.subscribers.length === 0) await pause(50);
  const options = { host, peers: Number(values.peers), ...(recorded.length > 0 ? { recorded } : {}) };
  console.error(
    `JSON.parse alone: ${Math.round(parseRate(recorded) / 1000)}k lines/s; ${options.peers} peers, node ${process.version}`,
  );
  // Topics come to be on their first record, which takes Kafka seconds for a hundred of them: not part of the measurement.
  await new Generator({ ...options, rate: 2_000 }).run(live, 10_000, () => {});
  for (const rate of values.rates.split(',').map(Number)) await measure(new Generator({ ...options, rate }), rate);
} finally {
  worker.kill('SIGTERM');
  await once(worker, 'exit');
  await live.stop();
  await kafka.stop();
}

async function measure(generator: Generator, rate: number): Promise<void> {
  await settled();
  progress.length = 0;
  const pids = { worker: worker.pid!, broker: kafka.pids[0]!, feed: process.pid };
  const before = Object.entries(pids).map(([name, pid]) => [name, cpuSeconds(pid)] as const);
  const from = performance.now();
  let sent = 0;
  const memory: number[] = [];
  const sampling = setInterval(() => memory.push(rssMb(worker.pid!)), (seconds * 1000) / 10);
  await generator.run(live, rate * seconds, () => sent++);
  clearInterval(sampling);
  const took = (performance.now() - from) / 1000;
  const cpu = before.map(
    ([name, used]) => `${name} ${Math.round(((cpuSeconds(pids[name as 'feed']) - used) / took) * 100)} %`,
  );
  const steady = progress.slice(2, -1);
  const published = steady.map((line) => line.published).sort((a, b) => a - b);
  const lags = steady.map(({ lagMs }) => lagMs ?? 0).sort((a, b) => a - b);
  const backlog = progress.at(-1)?.backlog ?? 0;
  const what = `RIS Live to Kafka, ${rate.toLocaleString('en')}/s offered`;
  const [committed, lag, longest] = [published[published.length >> 1], lags[lags.length >> 1], lags.at(-1)];
  row({
    what: `${what}: committed in the median second`,
    ours: committed ?? 0,
    unit: '/s',
    against: 'sent',
    yardstick: sent / took,
  });
  row({ what: `${what}: lag p50`, ours: lag ?? Number.NaN, unit: ' ms' });
  row({ what: `${what}: longest lag`, ours: longest ?? Number.NaN, unit: ' ms' });
  console.error(`backlog at the end ${backlog}, CPU ${cpu.join(', ')}, RSS by tenths ${memory.join(' ')} MB`);
}

/** Waits until what was sent is committed. */
async function settled(): Promise<void> {
  do {
    progress.length = 0;
    while (progress.length === 0) await pause(100);
  } while (progress[0]!.backlog > 500 || progress[0]!.published > 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
