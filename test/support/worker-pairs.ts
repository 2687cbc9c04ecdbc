// Workers without processes: a primary and its workers in one process, with all messages passed as JSON.
import { pino } from 'pino';
import type { Clock } from '../../src/core/ports.js';
import { Stats } from '../../src/core/stats/stats.js';
import { processLoad } from '../../src/resp/info/status.js';
import type { ConnectionHandle, Sibling, Siblings } from '../../src/resp/siblings/siblings.js';
import { Router } from '../../src/workers/router.js';
import type { Channel, Phase, StartOrder, WorkerProcess } from '../../src/workers/start-options.js';
import { WorkerSide } from '../../src/workers/worker-side.js';
import { Workers } from '../../src/workers/workers.js';
import { realClock } from './clock.js';

/** A worker as tests see it: the questions it got, and its answers. */
export class FakeWorker {
  readonly id: number;
  readonly siblings: Siblings;
  readonly shown: string[] = [];
  readonly phases: string[] = [];
  /** Connections that others have accepted. */
  readonly accepted: ConnectionHandle[] = [];
  feeds = false;
  elsewhere = 0;
  counters: Record<string, number> = { 'resp.commands': 0 };
  held: string[] = [];
  /** Connections of others that it was told are closed. */
  readonly gone: [from: number, to: number][] = [];
  undelivered = 0;
  onAck: Sibling['ack'] = () => true;
  /** Ends this worker as kill -9 does. */
  die: () => void = () => {};
  /** It does nothing more, and its process is still there. */
  hang: () => void = () => {};

  constructor(order: StartOrder, siblings: Siblings) {
    this.id = order.worker;
    this.siblings = siblings;
  }

  get answers(): Sibling {
    return {
      clients: () => [{ id: this.id, line: `worker ${this.id}` }],
      kill: () => this.id,
      unblock: () => false,
      holds: (key) => this.held.includes(key),
      ack: (...args) => this.onAck(...args),
      ackEntries: () => 1,
      endGroups: async () => {},
      openGroups: () => [],
      groupCommand: async () => null,
      popElements: async () => null,
      cancelRemote() {},
      acknowledgeRemote() {},
      giveBackRemote() {},
      remoteGone: (from, to) => {
        this.gone.push([from, to]);
      },
      answeredUpTo: () => undefined,
      writtenEnds: () => [],
      forgetTopics: () => {},
      leftRecords: () => [],
      noteLeftRecords() {},
      subscriptions: () => ({ channels: [], patterns: [] }),
      status: () => ({ stats: { ...this.counters }, load: processLoad() }),
      renew: async () => {},
      resetStats: () => {
        this.counters = { 'resp.commands': 0 };
      },
      metrics: async () => [],
      feedMonitors: (on) => {
        this.feeds = on;
      },
      showMonitors: (lines) => {
        this.shown.push(lines);
      },
      connectionsElsewhere: (count) => {
        this.elsewhere = count;
      },
    };
  }
}

export interface CrewOptions {
  readonly clock?: Clock;
  /** Throws if starting should fail. */
  readonly onStart?: (order: StartOrder) => void;
}

export class Crew {
  readonly stats = new Stats();
  /** Workers that serve, in the order of their start. */
  readonly alive: FakeWorker[] = [];
  /** Those that ended by themselves or on request. */
  readonly ended: number[] = [];
  readonly workers: Workers;
  readonly #options: CrewOptions;
  readonly #clock: Clock;
  /** Cuts the link between the primary and its workers, as the primary's death does. */
  readonly #hangUp: (() => void)[] = [];

  constructor(count: number, options: CrewOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    const status = () => ({ stats: this.stats.snapshot(), load: processLoad() });
    const router = new Router({
      status,
      stats: this.stats,
      clock: this.#clock,
      connectionIds: (worker) => [worker * 100 + 1, (worker + 1) * 100 + 1],
    });
    this.workers = new Workers({
      count,
      fork: () => this.#fork(),
      order: (worker) => ({
        config: {},
        worker,
        server: { runId: 'run', startedAt: 0, processId: 1, firstConnectionId: worker * 100 + 1 },
      }),
      router,
      shutdownMs: 1_000,
      clock: this.#clock,
      log: pino({ level: 'silent' }),
    });
  }

  worker(id: number): FakeWorker {
    const found = this.alive.find((worker) => worker.id === id);
    if (!found) throw new Error(`worker ${id} does not serve`);
    return found;
  }

  losePrimary(): void {
    for (const hangUp of this.#hangUp) hangUp();
  }

  /** Ends all workers, and replaces none. */
  async end(): Promise<void> {
    const drained = this.workers.drain();
    this.workers.kill();
    await drained;
  }

  #fork(): WorkerProcess {
    const clock = new MortalClock(this.#clock);
    const toWorker = new Wire();
    const toPrimary = new Wire();
    let worker: FakeWorker | undefined;
    const die = (how: string): void => {
      if (worker && this.alive.includes(worker)) this.alive.splice(this.alive.indexOf(worker), 1);
      clock.die();
      toWorker.cut();
      toPrimary.gone(how);
      toPrimary.cut();
    };
    const hangUp = (): void => toWorker.gone('disconnected');
    this.#hangUp.push(hangUp);
    setImmediate(() => {
      new WorkerSide({
        channel: channelOf(toPrimary, toWorker),
        clock,
        onBug: (error) => {
          throw error;
        },
        serve: async (order, siblings) => {
          this.#options.onStart?.(order);
          const fake = new FakeWorker(order, siblings);
          worker = fake;
          fake.die = () => die('signal SIGKILL');
          fake.hang = () => {
            clock.die();
            toWorker.cut();
          };
          this.alive.push(fake);
          return {
            port: 6380,
            answers: fake.answers,
            accept: (handle) => fake.accepted.push(handle),
            undelivered: async () => fake.undelivered,
            counted: () => ({ ...fake.counters }),
            phase: async (phase: Phase) => {
              fake.phases.push(phase);
              return phase === 'close' ? fake.undelivered : 0;
            },
            stop: async () => fake.phases.push('stop'),
          };
        },
        onAlone: () => {},
        onEnd: () => {
          if (worker) this.ended.push(worker.id);
          die('exit code 0');
        },
      });
    });
    return {
      ...channelOf(toWorker, toPrimary),
      pid: 1,
      disconnect: hangUp,
      kill: () => die('signal SIGKILL'),
    };
  }
}

/** Stops with the process that it is the clock of. */
class MortalClock implements Clock {
  readonly now: () => number;
  readonly monotonic: () => number;
  readonly #clock: Clock;
  readonly #running = new Set<() => void>();
  #isDead = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.now = () => clock.now();
    this.monotonic = () => clock.monotonic();
  }

  after(ms: number, call: () => void): () => void {
    if (this.#isDead) return () => {};
    const cancel = this.#clock.after(ms, () => {
      this.#running.delete(cancel);
      call();
    });
    this.#running.add(cancel);
    return cancel;
  }

  die(): void {
    this.#isDead = true;
    for (const cancel of this.#running) cancel();
  }
}

/** One direction. */
class Wire {
  #onMessages: (messages: readonly object[]) => void = () => {};
  #onGone: (how: string) => void = () => {};
  #onPassed: (handle: ConnectionHandle) => void = () => {};
  #isCut = false;

  carry(messages: readonly object[], left: () => void): void {
    const text = JSON.stringify(messages);
    setImmediate(() => {
      left();
      if (!this.#isCut) this.#onMessages(JSON.parse(text) as object[]);
    });
  }

  listen(listener: (messages: readonly object[]) => void): void {
    this.#onMessages = listener;
  }

  listenGone(listener: (how: string) => void): void {
    this.#onGone = listener;
  }

  gone(how: string): void {
    if (!this.#isCut) this.#onGone(how);
  }

  listenPassed(listener: (handle: ConnectionHandle) => void): void {
    this.#onPassed = listener;
  }

  pass(handle: ConnectionHandle): boolean {
    if (!this.#isCut) this.#onPassed(handle);
    return !this.#isCut;
  }

  cut(): void {
    this.#isCut = true;
  }
}

const channelOf = (out: Wire, back: Wire): Channel => ({
  send: (messages, left) => out.carry(messages, left),
  onMessages: (listener) => back.listen(listener),
  pass: (handle) => out.pass(handle),
  onPassed: (listener) => back.listenPassed(listener),
  onGone: (listener) => back.listenGone(listener),
});
