// Runs the relay as its users do: bin/rafka relay with a TOML file, as a separate process.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parse, stringify } from 'smol-toml';
import { merge } from '../../src/relay/config/config-files.js';

const root = join(import.meta.dirname, '../../..');
type Table = Record<string, unknown>;

const backoff = { backoff_enable: true, backoff_min: '50ms', backoff_max: '300ms' };

/** kaf-relay's sample with fast reactions and these clusters, as a file's text. */
export async function relayToml(sources: readonly string[], target: string, over: Table = {}): Promise<string> {
  const sample = parse(await readFile(join(root, 'test/support/kaf-relay.toml'), 'utf8'));
  const quick: Table = {
    app: { metrics_server_addr: '127.0.0.1:0' },
    source_pool: { healthcheck_interval: '200ms', request_timeout: '500ms', ...backoff },
    target: { servers: [target], ...backoff },
    sources: sources.map((server) => ({ servers: [server], session_timeout: '6s' })),
  };
  const { topics = { a: 'b' }, ...rest } = over;
  return stringify({ ...merge(merge(sample, quick), rest), topics });
}

export class RelayProcess {
  /** Log lines so far. */
  readonly lines: Record<string, unknown>[] = [];
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  /** Output that is not a log line, and standard output. */
  output = '';

  private constructor(child: ChildProcess, dir: string | undefined) {
    this.#child = child;
    this.exited = once(child, 'exit').then(async ([code]) => {
      if (dir !== undefined) await rm(dir, { recursive: true, force: true });
      return code as number | null;
    });
    createInterface({ input: child.stderr! }).on('line', (line) => this.#take(line));
    child.stdout!.on('data', (chunk) => {
      this.output += String(chunk);
    });
  }

  static async start(toml: string, args: readonly string[] = []): Promise<RelayProcess> {
    const dir = await mkdtemp(join(tmpdir(), 'rafka-relay-'));
    const config = join(dir, 'config.toml');
    await writeFile(config, toml);
    return RelayProcess.#spawn(['relay', '--config', config, ...args], dir);
  }

  /** The gateway itself, with a relay in it. */
  static gateway(args: readonly string[]): RelayProcess {
    return RelayProcess.#spawn(args, undefined);
  }

  static #spawn(args: readonly string[], dir: string | undefined): RelayProcess {
    const child = spawn(join(root, 'bin/rafka'), args, {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.removeListener('exit', kill));
    return new RelayProcess(child, dir);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Its peak memory so far, bytes. */
  get peakRss(): number {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
    } catch {
      return 0;
    }
  }

  /** Processor time so far, in seconds (Linux). */
  get cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  line(text: string): Record<string, unknown> | undefined {
    return this.lines.find(({ msg }) => String(msg).includes(text));
  }

  #take(line: string): void {
    try {
      this.lines.push(JSON.parse(line) as Record<string, unknown>);
    } catch {
      this.output += `${line}\n`;
    }
  }
}
