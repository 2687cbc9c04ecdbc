// Workers: starts the processes that serve the RESP port, replaces those that die, and runs the shutdown phases in step.
import { within } from '../core/clock.js';
import type { Listener } from '../core/listener.js';
import type { Clock } from '../core/ports.js';
import { own } from '../core/promises.js';
import type { Log } from '../log.js';
import type { ConnectionHandle } from '../resp/siblings/siblings.js';
import type { Router } from './router.js';
import type { Phase, StartOrder, WorkerProcess } from './start-options.js';
import { WorkerLife } from './worker-handle.js';

export interface WorkersOptions {
  readonly count: number;
  readonly fork: () => WorkerProcess;
  readonly order: (worker: number) => StartOrder;
  readonly router: Router;
  /** The longest shutdown, ms. */
  readonly shutdownMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A worker that dies sooner after it began to serve, or before, delays its replacement, doubled each time, ms. */
const settledMs = 10_000;
const firstBackoffMs = 100;
const longestBackoffMs = 10_000;
/** Time limit for counting undelivered messages, ms: the process is about to end. */
const undeliveredMs = 200;
/** Interval of liveness checks of workers, ms. */
const watchMs = 1_000;
/** A worker silent for this long gets no new connections: it normally reports every second, ms. */
const doubtfulMs = 2_500;
/** A worker silent for this long is stopped or hangs: another one replaces it, ms. */
const hungMs = 5_000;

export class Workers implements Listener {
  readonly name = 'workers';
  readonly #options: WorkersOptions;
  readonly #alive = new Map<number, WorkerLife>();
  #started = 0;
  #quickDeaths = 0;
  #stopping = false;
  #port = 0;
  #stopWatching: () => void = () => {};
  readonly #cancelReplacing = new Set<() => void>();

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  get addresses(): readonly string[] {
    return this.#port === 0 ? [] : [`port ${this.#port}, ${this.serving.length} processes`];
  }

  get port(): number {
    return this.#port;
  }

  /** Workers that serve. */
  get serving(): WorkerLife[] {
    return [...this.#alive.values()].filter(({ servesSince }) => servesSince !== undefined);
  }

  /** @throws Error of the first worker that failed. */
  async start(): Promise<void> {
    const { count, log } = this.#options;
    const starting = Array.from({ length: count }, () => this.#startOne());
    try {
      [this.#port = 0] = await Promise.all(starting);
    } catch (error) {
      this.#stopping = true;
      this.kill();
      await Promise.allSettled(starting);
      throw error;
    }
    this.#watchLater();
    log.info(
      { listener: 'resp', port: this.#port, workers: count, pids: this.serving.map(({ pid }) => pid) },
      'listening',
    );
  }

  async drain(): Promise<void> {
    this.#stopping = true;
    for (const cancel of this.#cancelReplacing) cancel();
    // A replacement that does not serve yet has nothing to lose.
    for (const worker of this.#alive.values()) if (worker.servesSince === undefined) worker.kill();
    await this.#phase('drain');
  }

  async closeConsumers(): Promise<void> {
    await this.#phase('closeConsumers');
  }

  async stopListening(): Promise<void> {
    await this.#phase('stopListening');
  }

  async close(): Promise<number> {
    this.#stopWatching();
    const left = await this.#phase('close');
    await Promise.all([...this.#alive.values()].map((worker) => worker.end()));
    this.#options.router.close();
    return left.reduce<number>((sum, each) => sum + Number(each), 0);
  }

  /** As far as the workers can answer at once. */
  async undelivered(): Promise<number> {
    const asked = this.serving.map(({ link }) => link.ask('undelivered', [], undeliveredMs));
    const counts = await Promise.allSettled(asked);
    return counts.reduce((sum, each) => sum + (each.status === 'fulfilled' ? Number(each.value) : 0), 0);
  }

  /** Kills all of them at once. */
  kill(): void {
    this.#stopWatching();
    for (const worker of this.#alive.values()) worker.kill();
  }

  #silence(worker: WorkerLife | undefined): number {
    return worker === undefined ? Number.POSITIVE_INFINITY : this.#options.clock.monotonic() - worker.heardAt;
  }

  #watchLater(): void {
    const { clock } = this.#options;
    const dueAt = clock.monotonic() + watchMs;
    this.#stopWatching = clock.after(watchMs, () => {
      this.#watch(clock.monotonic() - dueAt);
      this.#watchLater();
    });
  }

  /**
   * A stopped process ignores SIGTERM, and one that hangs may too.
   * @param lateMs how much later than due this call is. After this process was stopped, or got no CPU, silence of others means nothing.
   */
  #watch(lateMs: number): void {
    const { clock, log } = this.#options;
    for (const worker of this.serving) {
      const silentMs = Math.round(this.#silence(worker));
      if (lateMs > watchMs) worker.heardAt = clock.monotonic();
      else if (silentMs >= hungMs) {
        log.error({ worker: worker.id, pid: worker.pid, silentMs }, 'a worker does not answer: it is ended');
        worker.kill();
      }
    }
  }

  #pass(from: number, handle: ConnectionHandle): void {
    const { router } = this.#options;
    const to = router.leastBusy((id) => this.#silence(this.#alive.get(id)) < doubtfulMs);
    const isPassed = to !== undefined && this.#alive.get(to)?.pass(handle);
    if (!isPassed) handle.close();
    router.passed(from, isPassed ? to : undefined);
  }

  /** @returns the port. */
  async #startOne(): Promise<number> {
    const { fork, order, router, clock, log } = this.#options;
    const id = this.#started++;
    const onBug = (err: unknown, question: string) =>
      log.error({ worker: id, question, err }, 'a question between workers failed');
    const onJoined = () => router.add(id, worker.link);
    const onPassed = (handle: ConnectionHandle) => this.#pass(id, handle);
    const worker: WorkerLife = new WorkerLife({ process: fork(), order: order(id), clock, onBug, onJoined, onPassed });
    this.#alive.set(id, worker);
    own(
      worker.gone.then((how) => this.#lost(worker, how)),
      this.#bug,
    );
    try {
      const port = await worker.start();
      router.ready(id);
      return port;
    } catch (error) {
      worker.kill();
      throw error;
    }
  }

  #lost(worker: WorkerLife, how: string): void {
    const { id, pid, servesSince } = worker;
    const { router, clock, log } = this.#options;
    this.#alive.delete(id);
    router.remove(id);
    // If one of the first cannot start, the start fails.
    if (this.#stopping || (this.#port === 0 && servesSince === undefined)) return;
    const isQuick = servesSince === undefined || clock.monotonic() - servesSince < settledMs;
    this.#quickDeaths = isQuick ? this.#quickDeaths + 1 : 0;
    const afterMs = isQuick ? Math.min(longestBackoffMs, firstBackoffMs * 2 ** (this.#quickDeaths - 1)) : 0;
    log.error({ worker: id, pid, how, afterMs }, 'a worker died: another one takes its place');
    const cancel = clock.after(afterMs, () => {
      this.#cancelReplacing.delete(cancel);
      own(this.#replace(), this.#bug);
    });
    this.#cancelReplacing.add(cancel);
  }

  readonly #bug = (err: unknown): void => {
    this.#options.log.error({ err }, 'checking a worker failed: this is a bug');
  };

  /** A failed start is treated as a death: #lost() tries again. */
  async #replace(): Promise<void> {
    const { log } = this.#options;
    try {
      await this.#startOne();
      log.info({ workers: this.serving.length }, 'a worker was replaced');
    } catch (error) {
      if (this.#stopping) return;
      const { message, code } = error as Error & { code?: unknown };
      log.error({ code }, `a worker cannot start: ${message}`);
    }
  }

  /** One that dies meanwhile delays no other. */
  async #phase(phase: Phase): Promise<unknown[]> {
    const { shutdownMs, clock, log } = this.#options;
    const asked = this.serving.map(async (worker) => {
      try {
        return await worker.phase(phase, shutdownMs);
      } catch (err) {
        await within(clock, 100, worker.gone);
        log.warn({ worker: worker.id, phase, err }, 'a worker did not finish a phase of the shutdown');
        return 0;
      }
    });
    return Promise.all(asked);
  }
}
