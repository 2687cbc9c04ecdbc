// MONITOR: every command of every connection as a line, for those who asked. A slow monitor loses lines and slows nobody.
import type { Resolved } from './command.js';

/** A connection that gets the lines. */
export interface MonitorSink {
  /** Bytes it has not read yet. */
  readonly unreadBytes: number;
  writeAside(bytes: Buffer): void;
}

interface Origin {
  readonly address: string;
}

/** Lines for a monitor that has this much unread are dropped. */
const UNREAD_LIMIT_BYTES = 1024 * 1024;
/** An argument is shown up to here: a monitor is for people. */
const ARGUMENT_BYTES = 4096;
/** Lines gathered before they are sent, at most. */
const BATCH_BYTES = 64 * 1024;

const named: Readonly<Record<number, string>> = {
  10: '\\n',
  13: '\\r',
  9: '\\t',
  7: '\\a',
  8: '\\b',
  34: '\\"',
  92: '\\\\',
};

/** The monitors of one server. */
export class Monitors {
  readonly #sinks = new Set<MonitorSink>();
  #lines = '';
  #scheduled = false;

  /** Whether anybody listens; ask before {@link feed}, which costs. */
  get any(): boolean {
    return this.#sinks.size > 0;
  }

  add(sink: MonitorSink): void {
    this.#sinks.add(sink);
  }

  remove(sink: MonitorSink): void {
    this.#sinks.delete(sink);
  }

  /** Tells the monitors of a command about to run. @param nowMicros since the epoch. */
  feed(origin: Origin, found: Resolved, argv: readonly Buffer[], nowMicros: number): void {
    if (found.command.flags.includes('skip_monitor')) return;
    this.#lines += line(origin, found, argv, nowMicros);
    if (this.#lines.length > BATCH_BYTES) this.#send();
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#lines === '') return;
    const bytes = Buffer.from(this.#lines, 'latin1');
    this.#lines = '';
    for (const sink of this.#sinks) if (sink.unreadBytes < UNREAD_LIMIT_BYTES) sink.writeAside(bytes);
  }
}

/** `+<seconds.micros> [0 <host:port>] "CMD" "arg" ...`, passwords left out. */
function line({ address }: Origin, found: Resolved, argv: readonly Buffer[], nowMicros: number): string {
  const seconds = Math.floor(nowMicros / 1e6);
  const micros = String(Math.floor(nowMicros % 1e6)).padStart(6, '0');
  const hidden = hiddenFrom(found, argv);
  const words = argv.map((arg, i) => (i >= hidden.from && i < hidden.to ? '"(redacted)"' : quote(arg)));
  return `+${seconds}.${micros} [0 ${address}] ${words.join(' ')}\r\n`;
}

/** Which arguments are secrets: all of AUTH's, the two behind AUTH in HELLO. */
function hiddenFrom({ fullName }: Resolved, argv: readonly Buffer[]): { from: number; to: number } {
  if (fullName === 'auth') return { from: 1, to: argv.length };
  if (fullName !== 'hello') return { from: 0, to: 0 };
  const auth = argv.findIndex((arg) => arg.toString('latin1').toUpperCase() === 'AUTH');
  return auth < 0 ? { from: 0, to: 0 } : { from: auth + 1, to: auth + 3 };
}

/** As Redis' sdscatrepr. */
function quote(arg: Buffer): string {
  const shown = arg.subarray(0, ARGUMENT_BYTES);
  let text = '"';
  for (const byte of shown) {
    const name = named[byte];
    if (name !== undefined) text += name;
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `${text}${shown.length < arg.length ? '...' : ''}"`;
}
