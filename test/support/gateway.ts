// Runs the gateway as its users do: bin/rafka as a separate process.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const bin = join(import.meta.dirname, '../../../bin/rafka');
const startTimeoutMs = 30_000;
const exitTimeoutMs = 20_000;

export interface GatewayOptions {
  /** The configuration file's content; absent: the embedded Kafka. */
  readonly config?: object;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Absent: a free one, kept across restarts. */
  readonly port?: number;
}

/** A line of the gateway's log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A gateway that can be killed and restarted on the same port. */
export class GatewayProcess {
  readonly port: number;
  readonly lines: LogLine[] = [];
  readonly #options: GatewayOptions;
  readonly #folder: string;
  #process: ChildProcess | undefined;
  /** A signal was sent: its end is expected. */
  #signalled = false;

  private constructor(options: GatewayOptions, port: number) {
    this.#options = options;
    this.port = port;
    this.#folder = mkdtempSync(join(tmpdir(), 'rafka-gateway-'));
    if (options.config) writeFileSync(this.#configFile, JSON.stringify(options.config));
  }

  static async start(options: GatewayOptions = {}): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(options, options.port ?? (await freePort()));
    await gateway.run();
    return gateway;
  }

  get #configFile(): string {
    return join(this.#folder, 'config.json');
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts it (again); resolves when it listens. */
  async run(): Promise<void> {
    const config = this.#options.config ? ['-c', this.#configFile] : [];
    const args = [...config, '--port', String(this.port), ...(this.#options.args ?? [])];
    const child = spawn(bin, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...this.#options.env },
    });
    this.#process = child;
    this.#signalled = false;
    const from = this.lines.length;
    child.once('exit', (code, signal) => {
      if (!this.#signalled && code !== 0)
        console.error(`gateway on ${this.port} ended with ${code ?? signal}:`, this.lines.slice(from).slice(-10));
    });
    createInterface({ input: child.stderr! }).on('line', (text) => this.lines.push(parse(text)));
    const deadline = Date.now() + startTimeoutMs;
    while (!this.lines.slice(from).some(({ msg, listener }) => msg === 'listening' && listener === 'resp')) {
      if (child.exitCode !== null) throw new Error(`the gateway ended: ${JSON.stringify(this.lines.slice(from))}`);
      if (Date.now() > deadline) throw new Error(`the gateway does not listen: ${JSON.stringify(this.lines)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Sends a signal and waits for the end. @returns the exit code; null: ended by the signal. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    this.signal(signal);
    const tooLong = setTimeout(() => this.signal('SIGKILL'), exitTimeoutMs);
    const [code] = (await ended) as [number | null];
    clearTimeout(tooLong);
    return code;
  }

  signal(signal: NodeJS.Signals): void {
    this.#signalled = true;
    this.#process?.kill(signal);
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function parse(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { level: 0, msg: text };
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
