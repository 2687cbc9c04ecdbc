// One worker as the primary has it: from its process' start over its phases to its end.
import { within } from '../core/clock.js';
import type { Clock } from '../core/ports.js';
import { own } from '../core/promises.js';
import { fail } from '../errors.js';
import type { ConnectionHandle } from '../resp/siblings/siblings.js';
import { Link } from './link.js';
import type { Phase, Started, StartOrder, WorkerProcess } from './start-options.js';

/** How long a worker may take to load, connect and listen, ms. */
const startMs = 30_000;
/** How long one that has stopped may take to end, ms. */
const endMs = 1_000;

export interface WorkerLifeOptions {
  readonly process: WorkerProcess;
  readonly order: StartOrder;
  /** It has loaded, and is about to be told to start. */
  readonly onJoined: () => void;
  /** It has more connections than its share: this one is for another. */
  readonly onPassed: (handle: ConnectionHandle) => void;
  readonly clock: Clock;
  readonly onBug: (error: unknown, question: string) => void;
}

export class WorkerLife {
  readonly id: number;
  readonly link: Link;
  /** Resolves when the process has ended, with how it did. */
  readonly gone: Promise<string>;
  /** When it began to serve, by the monotonic clock; undefined before. */
  servesSince: number | undefined;
  /** When anything last came from it, by the monotonic clock: one that serves tells its counters every second. */
  heardAt: number;
  readonly #options: WorkerLifeOptions;
  readonly #joined: Promise<void>;

  constructor(options: WorkerLifeOptions) {
    const { process, clock, order, onBug } = options;
    this.#options = options;
    this.id = order.worker;
    this.link = new Link({ send: (messages, left) => process.send(messages, left), clock, onBug });
    this.#joined = new Promise((resolve) => this.link.serve({ hello: () => resolve() }));
    this.gone = new Promise((resolve) => process.onGone(resolve));
    own(
      this.gone.then(() => this.link.close()),
      (error) => onBug(error, 'gone'),
    );
    this.heardAt = clock.monotonic();
    process.onMessages((messages) => {
      this.heardAt = clock.monotonic();
      this.link.receive(messages);
    });
    process.onPassed(options.onPassed);
  }

  get pid(): number {
    return this.#options.process.pid;
  }

  /** @returns the port it serves. @throws Error with what it failed with; its code is kept. */
  async start(): Promise<number> {
    const { clock } = this.#options;
    const died = this.gone.then((how): Started => ({ failed: `the worker ended at its start: ${how}` }));
    const answer = await within(clock, startMs, Promise.race([died, this.#begin()]));
    if (!answer) throw fail('peer-silent');
    if ('failed' in answer) throw Object.assign(new Error(answer.failed), { code: answer.code ?? 'worker' });
    this.servesSince = clock.monotonic();
    return answer.port;
  }

  /** @returns what the phase gives: after `close`, messages that were not delivered. @throws GatewayError `peer-silent` */
  phase(phase: Phase, timeoutMs: number): Promise<unknown> {
    return this.link.ask('phase', [phase], timeoutMs);
  }

  /** Gives it a connection that another worker has accepted. @returns false when it is gone. */
  pass(handle: ConnectionHandle): boolean {
    return this.#options.process.pass(handle);
  }

  /** Waits for its end a moment, then makes it. */
  async end(): Promise<void> {
    const { process, clock } = this.#options;
    process.disconnect();
    if ((await within(clock, endMs, this.gone)) === undefined) process.kill();
    await within(clock, endMs, this.gone);
  }

  async #begin(): Promise<Started> {
    await this.#joined;
    this.#options.onJoined();
    return (await this.link.ask('start', [this.#options.order], startMs)) as Started;
  }

  kill(): void {
    this.#options.process.kill();
  }
}
