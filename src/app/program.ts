// Program: what a process runs. Starts listeners and workers in order, and stops them in the order that loses nothing.
import type { Listener } from '../core/listener.js';
import type { Log } from '../log.js';

export interface ProgramOptions {
  readonly listeners: readonly Listener[];
  readonly log: Log;
  /** Takes over what can change without a restart. Never rejects: it logs. */
  readonly reload?: () => Promise<void>;
  /** Runs before anything is started; a rejection ends the start. */
  readonly prepare?: () => Promise<void>;
  /** Closes what listeners share, once they are closed. */
  readonly release: () => Promise<void>;
  /** Ends at once what would outlive this process. */
  readonly abandon?: () => void;
}

/** The shutdown phases in order. */
const phases = ['drain', 'closeConsumers', 'stopListening', 'close'] as const;

export type Phase = (typeof phases)[number];

/** Time limit for counting if the process must end at once, ms. */
const countMs = 250;

const said: Readonly<Record<Phase, string>> = {
  drain: 'consuming ends, acks are still accepted',
  closeConsumers: 'consumers close, offsets are committed',
  stopListening: 'listening ends',
  close: 'producers are flushed, connections close',
};

export class Program {
  readonly listeners: readonly Listener[];
  readonly #options: ProgramOptions;
  readonly #log: Log;
  readonly #started: Listener[] = [];
  readonly #phases = new Map<Phase, Promise<number>>();
  #undelivered = 0;
  #isClosed = false;

  constructor(options: ProgramOptions) {
    this.listeners = options.listeners;
    this.#options = options;
    this.#log = options.log;
  }

  /** Undelivered messages, an upper bound, for a process that ends at once: listeners that do not answer in time are left out. */
  async undelivered(): Promise<number> {
    if (this.#isClosed) return this.#undelivered;
    const tooLate = new Promise<number>((resolve) => setTimeout(resolve, countMs, 0));
    const counts = this.#started.map((listener) => Promise.race([listener.undelivered?.() ?? 0, tooLate]));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, this.#undelivered);
  }

  /** If one start fails, what was started is stopped again. @throws what prepare() or a listener's start() throws. */
  async start(): Promise<void> {
    try {
      await this.#options.prepare?.();
      for (const listener of this.listeners) {
        await listener.start();
        this.#started.push(listener);
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Consuming ends while acks are accepted, offsets are committed, then listening ends, then producers are flushed.
   * @returns messages that were not delivered.
   */
  async stop(): Promise<number> {
    for (const phase of phases) await this.phase(phase);
    await this.#options.release();
    this.#log.info({ undelivered: this.#undelivered }, 'stopped');
    return this.#undelivered;
  }

  /** One phase of the shutdown; it runs once. @returns messages that were not delivered in it. */
  phase(phase: Phase): Promise<number> {
    let running = this.#phases.get(phase);
    if (!running) {
      running = this.#run(phase);
      this.#phases.set(phase, running);
    }
    return running;
  }

  /** @returns false when everything is read at the start only. */
  async reload(): Promise<boolean> {
    const { reload } = this.#options;
    if (!reload || this.#phases.size > 0) return false;
    await reload();
    return true;
  }

  /** The process ends before its shutdown is complete. */
  abandon(): void {
    this.#options.abandon?.();
  }

  async #run(phase: Phase): Promise<number> {
    const startedAt = performance.now();
    const left = await Promise.all(this.#started.map((listener) => listener[phase]()));
    const undelivered = left.reduce<number>((sum, each) => sum + (each ?? 0), 0);
    this.#undelivered += undelivered;
    if (phase === 'close') this.#isClosed = true;
    this.#log.info({ step: said[phase], ms: Math.round(performance.now() - startedAt) }, 'shutdown');
    return undelivered;
  }
}
