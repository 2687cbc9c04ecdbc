// A real redis-server on a unix socket in its own directory, for tests that compare with it.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export class RedisServer {
  readonly path: string;
  readonly #dir: string;
  readonly #process: ChildProcess;

  private constructor(args: readonly string[]) {
    this.#dir = mkdtempSync(join(tmpdir(), 'redis-'));
    this.path = join(this.#dir, 'socket');
    const own = ['--port', '0', '--unixsocket', this.path, '--save', '', '--appendonly', 'no', '--dir', this.#dir];
    this.#process = spawn('redis-server', [...own, ...args], { stdio: 'ignore' });
  }

  static async start(args: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(args);
    const deadline = AbortSignal.timeout(10_000);
    while (!existsSync(server.path)) {
      if (deadline.aborted || server.#process.exitCode !== null) throw new Error('redis-server did not start');
      await sleep(10);
    }
    return server;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill();
    await ended;
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
