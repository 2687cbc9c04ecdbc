// Program: what a process runs. Faces and workers are started in their order, and stopped in the order that loses nothing.
import type { Face } from './core/face.js';
import type { Log } from './log.js';

export interface ProgramOptions {
  readonly faces: readonly Face[];
  readonly log: Log;
  /** Runs before anything is started; a rejection ends the start. */
  readonly prepare?: () => Promise<void>;
  /** Closes what faces share, once they are closed. */
  readonly release: () => Promise<void>;
}

export class Program {
  readonly faces: readonly Face[];
  readonly #options: ProgramOptions;
  readonly #log: Log;
  readonly #started: Face[] = [];
  #undelivered = 0;

  constructor(options: ProgramOptions) {
    this.faces = options.faces;
    this.#options = options;
    this.#log = options.log;
  }

  /** Messages that were not delivered, as far as the shutdown has come. */
  get undelivered(): number {
    return this.#undelivered;
  }

  /** What was started is stopped again when the rest can't be. @throws what prepare() or a face's start() throws. */
  async start(): Promise<void> {
    try {
      await this.#options.prepare?.();
      for (const face of this.faces) {
        await face.start();
        this.#started.push(face);
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Consuming ends while acks are still taken, offsets are committed, then listening ends, then producers are flushed.
   * @returns messages that were not delivered.
   */
  async stop(): Promise<number> {
    await this.#step('consuming ends, acks are still taken', (face) => face.drain());
    await this.#step('consumers close, offsets are committed', (face) => face.closeConsumers());
    await this.#step('listening ends', (face) => face.stopListening());
    await this.#step('producers are flushed, connections close', async (face) => {
      this.#undelivered += await face.close();
    });
    await this.#options.release();
    this.#log.info({ undelivered: this.#undelivered }, 'stopped');
    return this.#undelivered;
  }

  async #step(name: string, run: (face: Face) => Promise<void>): Promise<void> {
    const startedAt = performance.now();
    await Promise.all(this.#started.map(run));
    this.#log.info({ step: name, ms: Math.round(performance.now() - startedAt) }, 'shutdown');
  }
}
