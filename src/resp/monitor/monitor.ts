// MONITOR: every command of every connection as a line. A slow monitor loses lines and delays no one else.

import type { Resolved } from '../command/context.js';
import type { Siblings } from '../siblings/siblings.js';
import { MonitorLines } from './monitor-lines.js';
import { secretsIn } from './secrets.js';

/** A connection that gets the lines. */
export interface MonitorSink {
  /** Bytes that it has not read yet. */
  readonly unreadBytes: number;
  writeAside(bytes: Buffer): void;
}

interface Origin {
  readonly address: string;
}

/** Lines are dropped for a monitor with this many unread bytes. */
const UNREAD_LIMIT_BYTES = 1024 * 1024;
/** The monitors of one server. */
export class Monitors {
  readonly #siblings: Siblings;
  readonly #sinks = new Set<MonitorSink>();
  /** Monitors that wait until other processes send their lines. */
  readonly #coming = new Set<MonitorSink>();
  /** Another process has monitors. */
  #elsewhere = false;
  readonly #lines = new MonitorLines();
  #scheduled = false;

  constructor(siblings: Siblings) {
    this.#siblings = siblings;
  }

  /** Whether there is any monitor; check before {@link feed}, which is expensive. */
  get any(): boolean {
    return this.#elsewhere || this.#sinks.size > 0;
  }

  /** Returns a promise only if other processes are notified. @throws GatewayError (rejects with) `peer-silent` */
  add(sink: MonitorSink): undefined | Promise<void> {
    if (this.#siblings.exist) return this.#addFromAll(sink);
    this.#sinks.add(sink);
    return undefined;
  }

  remove(sink: MonitorSink): void {
    const was = this.#sinks.delete(sink) || this.#coming.delete(sink);
    if (!was || !this.#siblings.exist || this.#sinks.size + this.#coming.size > 0) return;
    // Lines that other processes still send are dropped.
    this.#siblings.watch(false).catch(() => {});
  }

  /** Whether another process has monitors. */
  feedElsewhere(on: boolean): void {
    this.#elsewhere = on;
  }

  /** Shows lines of another process to the monitors here. */
  show(lines: Buffer): void {
    for (const sink of this.#sinks) if (sink.unreadBytes < UNREAD_LIMIT_BYTES) sink.writeAside(lines);
  }

  /** Sends a command that is about to run to the monitors. @param nowMicros since the epoch. */
  feed(origin: Origin, found: Resolved, argv: readonly Buffer[], nowMicros: number): void {
    if (found.command.flags.includes('skip_monitor')) return;
    this.#lines.add(origin.address, argv, secretsIn(found, argv), nowMicros);
    if (this.#lines.isFull) this.#send();
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#lines.isEmpty) return;
    const lines = this.#lines.take();
    if (this.#sinks.size > 0) this.show(lines);
    if (this.#elsewhere && this.#siblings.unsentBytes < UNREAD_LIMIT_BYTES)
      this.#siblings.show(lines.toString('latin1'));
  }

  async #addFromAll(sink: MonitorSink): Promise<void> {
    this.#coming.add(sink);
    try {
      await this.#siblings.watch(true);
      // A connection that has closed meanwhile was removed.
      if (this.#coming.has(sink)) this.#sinks.add(sink);
    } finally {
      this.#coming.delete(sink);
    }
  }
}
