// What benchmarks share: yardsticks as processes of their own, redis-benchmark, CPU time of a process, medians and ratios.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { keepAwake } from './awake.js';

const execute = promisify(execFile);

// Beside figures of the machine as it comes: `--awake`.
if (process.argv.includes('--awake')) keepAwake();

/** Interleaved rounds of every figure; the median counts. */
export const rounds = process.argv.includes('--quick') ? 3 : 5;

/** Messages a second of a yardstick that measures itself. */
export async function yardstick(
  name: 'raw-produce' | 'raw-consume' | 'client',
  ...args: (string | number)[]
): Promise<number> {
  const { stdout } = await execute(process.execPath, [join(import.meta.dirname, `${name}.js`), ...args.map(String)]);
  return (JSON.parse(stdout) as { perSecond: number }).perSecond;
}

export interface Server {
  readonly port: number;
  stop(): void;
}

export async function bareServer(name: 'bare-server' | 'bare-fastify' | 'bare-grpc' = 'bare-server'): Promise<Server> {
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.js`)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await firstLine(child);
  return { port: (JSON.parse(line) as { port: number }).port, stop: () => child.kill() };
}

async function firstLine(child: ChildProcess): Promise<[string]> {
  for await (const line of createInterface({ input: child.stdout! })) return [line];
  throw new Error('the yardstick ended before it began');
}

/** Requests a second by redis-benchmark. */
export async function redisBenchmark(
  port: number,
  { requests, pipeline, clients }: { requests: number; pipeline: number; clients: number },
  ...command: string[]
): Promise<number> {
  const flags = ['-p', String(port), '-n', String(requests), '-P', String(pipeline), '-c', String(clients), '--csv'];
  const { stdout } = await execute('redis-benchmark', [...flags, ...command], { maxBuffer: 1 << 26 });
  const row = stdout.trim().split('\n').at(-1) ?? '';
  const figures = [...row.matchAll(/"([0-9.]+)"/g)].map(([, figure]) => Number(figure));
  return figures.at(-7) ?? figures[0] ?? Number.NaN;
}

/** CPU seconds that a process has used. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Resident bytes of a process. */
export function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

export const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!;

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
