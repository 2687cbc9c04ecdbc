// A cursor over a command's arguments. Malformed arguments throw the GatewayError with Redis' text.
import { fail } from '../../errors.js';

export class Args {
  #next: number;

  /** @param argv the whole command, name first. @param from index of the first argument to read. */
  constructor(
    readonly argv: readonly Buffer[],
    from = 1,
  ) {
    this.#next = from;
  }

  /** How many arguments are left. */
  get left(): number {
    return this.argv.length - this.#next;
  }

  /** The next argument as bytes. @throws syntax error if there is none. */
  bytes(): Buffer {
    const arg = this.argv[this.#next];
    if (arg === undefined) throw fail('syntax');
    this.#next++;
    return arg;
  }

  /** The next argument as UTF-8. */
  text(): string {
    return this.bytes().toString();
  }

  /** The next argument as upper-case ASCII, for words of the protocol. */
  word(): string {
    return this.bytes().toString('latin1').toUpperCase();
  }

  /** Takes the next argument if it is this word (given in upper case). */
  option(word: string): boolean {
    const arg = this.argv[this.#next];
    if (arg === undefined || arg.length !== word.length || arg.toString('latin1').toUpperCase() !== word) return false;
    this.#next++;
    return true;
  }

  /** The next argument as a whole number. @throws `not-integer`, as Redis: no sign but `-`, no spaces, no leading zeros. */
  integer(): number {
    const value = parseInteger(this.bytes());
    if (value === undefined) throw fail('not-integer');
    return value;
  }

  /** All remaining arguments. */
  rest(): readonly Buffer[] {
    const rest = this.argv.slice(this.#next);
    this.#next = this.argv.length;
    return rest;
  }

  /** @throws syntax error if arguments are left. */
  finish(): void {
    if (this.left > 0) throw fail('syntax');
  }
}

/** A whole number as Redis reads one; undefined for anything else, or if it is not exact in a double. */
export function parseInteger(bytes: Buffer): number | undefined {
  if (bytes.length === 0 || bytes.length > 20) return undefined;
  const text = bytes.toString('latin1');
  if (!/^(?:0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
