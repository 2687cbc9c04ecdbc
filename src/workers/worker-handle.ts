// One worker as the primary sees it: from its process's start through its phases to its end.
import { within } from '../core/clock.js';
import type { Clock } from '../core/ports.js';
import { own } from '../core/promises.js';
import { fail } from '../errors.js';
import type { ConnectionHandle } from '../resp/siblings/siblings.js';
import { Link } from './link.js';
import type { Phase, Started, StartOrder, WorkerProcess } from './start-options.js';

/** Time limit for a worker to load, connect and listen, ms. */
const startMs = 30_000;
/** Time limit for a stopped worker to exit, ms. */
const endMs = 1_000;

export interface WorkerLifeOptions {
  readonly process: WorkerProcess;
  readonly order: StartOrder;
  /** It has loaded, and is about to get its options. */
  readonly onJoined: () => void;
  /** It has more connections than its share: this one is for another worker. */
  readonly onPassed: (handle: ConnectionHandle) => void;
  readonly clock: Clock;
  readonly onBug: (error: unknown, question: string) => void;
}

export class WorkerLife {
  readonly id: number;
  readonly link: Link;
  /** Resolves with its exit status when the process has ended. */
  readonly gone: Promise<string>;
  /** When it began to serve, by the monotonic clock; undefined before. */
  servesSince: number | undefined;
  /** When its last message came, by the monotonic clock: a serving worker sends its counters every second. */
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

  /** @returns the port it serves. @throws Error of the failed start, with its code. */
  async start(): Promise<number> {
    const { clock } = this.#options;
    const died = this.gone.then((how): Started => ({ failed: `the worker ended at its start: ${how}` }));
    const answer = await within(clock, startMs, Promise.race([died, this.#begin()]));
    if (!answer) throw fail('peer-silent');
    if ('failed' in answer) throw Object.assign(new Error(answer.failed), { code: answer.code ?? 'worker' });
    this.servesSince = clock.monotonic();
    return answer.port;
  }

  /** @returns the result of the phase: after `close`, messages that were not delivered. @throws GatewayError `peer-silent` */
  phase(phase: Phase, timeoutMs: number): Promise<unknown> {
    return this.link.ask('phase', [phase], timeoutMs);
  }

  /** Gives it a connection that another worker has accepted. @returns false if it is gone. */
  pass(handle: ConnectionHandle): boolean {
    return this.#options.process.pass(handle);
  }

  /** Waits for its exit for a moment, then kills it. */
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
