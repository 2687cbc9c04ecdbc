// The worker's side: starts on the primary's request, answers it, and stops with it, or by itself if the primary is gone.
import type { Clock } from '../core/ports.js';
import { own } from '../core/promises.js';
import type { StatsSnapshot } from '../core/stats/stats.js';
import type { ConnectionHandle, Sibling, Siblings } from '../resp/siblings/siblings.js';
import { Link } from './link.js';
import type { Channel, Phase, Started, StartOrder } from './start-options.js';
import { WorkerSiblings } from './worker-siblings.js';

/** What a worker runs: a program, stopped phase by phase. */
export interface Served {
  readonly port: number;
  readonly answers: Sibling;
  /** Serves a connection that another worker has accepted. */
  accept(handle: ConnectionHandle): void;
  /** Its current counters. */
  counted(): StatsSnapshot;
  phase(phase: Phase): Promise<number>;
  /** Undelivered messages so far. */
  undelivered(): Promise<number>;
  /** All remaining phases, then the rest. */
  stop(): Promise<unknown>;
}

export interface WorkerSideOptions {
  readonly channel: Channel;
  readonly clock: Clock;
  /** Starts it. @throws Error with a code for expected failures. */
  readonly serve: (order: StartOrder, siblings: Siblings) => Promise<Served>;
  readonly onBug: (error: unknown, question: string) => void;
  /** The primary has died: everything will be closed. */
  readonly onAlone: () => void;
  /** Everything is closed, or nothing had started. */
  readonly onEnd: () => void;
}

/** Interval of reporting counters to the primary, so that they outlive this process, ms. */
const countedEveryMs = 1_000;

export class WorkerSide {
  readonly #options: WorkerSideOptions;
  readonly #link: Link;
  #served: Served | undefined;
  #starting: Promise<Started> | undefined;
  #closed = false;
  #stopCounting: () => void = () => {};

  constructor(options: WorkerSideOptions) {
    const { channel, clock, onBug } = options;
    this.#options = options;
    this.#link = new Link({ send: (messages, left) => channel.send(messages, left), clock, onBug });
    this.#link.serve({ start: (order: StartOrder) => this.#start(order) });
    channel.onGone(() => own(this.#leave(), (error) => onBug(error, 'leave')));
    channel.onMessages((messages) => this.#link.receive(messages));
    channel.onPassed((handle) => (this.#served ? this.#served.accept(handle) : handle.close()));
    this.#link.notify('hello', []);
  }

  #start(order: StartOrder): Promise<Started> {
    this.#starting = this.#serve(order);
    return this.#starting;
  }

  async #serve(order: StartOrder): Promise<Started> {
    try {
      const served = await this.#options.serve(
        order,
        new WorkerSiblings(this.#link, this.#options.channel, order.server),
      );
      this.#served = served;
      const phase = (each: Phase): Promise<number> => this.#phase(each);
      this.#link.serve({ ...served.answers, phase, undelivered: () => served.undelivered() });
      this.#count(served);
      return { port: served.port };
    } catch (error) {
      const { message, code } = error as Error & { code?: string | number };
      if (code === undefined) this.#options.onBug(error, 'start');
      return { failed: message, ...(code === undefined ? {} : { code }) };
    }
  }

  async #phase(phase: Phase): Promise<number> {
    const left = (await this.#served?.phase(phase)) ?? 0;
    if (phase !== 'close') return left;
    this.#stopCounting();
    await this.#served?.stop();
    this.#closed = true;
    return left;
  }

  /** The primary has disconnected, as after the last phase; without that it has died. */
  async #leave(): Promise<void> {
    this.#stopCounting();
    this.#link.close();
    if (!this.#closed) {
      this.#options.onAlone();
      await this.#starting;
      await this.#served?.stop();
    }
    this.#options.onEnd();
  }

  #count(served: Served): void {
    this.#stopCounting = this.#options.clock.after(countedEveryMs, () => {
      this.#link.notify('counted', [served.counted()]);
      this.#count(served);
    });
  }
}
