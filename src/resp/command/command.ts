// The table of all commands, and the way from argv to a reply.
import { KafkaError } from '../../core/ports.js';
import { type ErrorCode, fail, GatewayError } from '../../errors.js';
import { encodeAlone, type Protocol } from '../wire/encoder.js';
import { Encoded, ErrorReply, type Reply } from '../wire/reply.js';
import { Args } from './args.js';
import type { Command, Commands, Context, Resolved } from './context.js';
import { loginOf } from './login.js';

interface Entry extends Resolved {
  readonly nameBytes: Buffer;
  readonly subcommands: ReadonlyMap<string, Resolved> | undefined;
}

/** All commands by name; looking one up costs no allocation. */
export class CommandTable implements Commands {
  readonly #commands: readonly Command[];
  readonly #rendered = new Map<string, Encoded>();
  readonly #buckets: Entry[][] = Array.from({ length: 512 }, () => []);

  constructor(commands: readonly Command[]) {
    this.#commands = [...commands].sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const command of this.#commands) {
      const entry = entryOf(command);
      this.#buckets[hash(entry.nameBytes)]!.push(entry);
    }
  }

  get size(): number {
    return this.#commands.length;
  }

  [Symbol.iterator](): Iterator<Command> {
    return this.#commands[Symbol.iterator]();
  }

  /** Every command and subcommand. */
  *all(): Iterable<Resolved> {
    for (const command of this.#commands) {
      const entry = this.#entry(Buffer.from(command.name, 'latin1'))!;
      yield entry;
      if (entry.subcommands) yield* entry.subcommands.values();
    }
  }

  /** A long reply that depends only on the table: made once for each protocol version. */
  rendered(name: string, protocol: Protocol, make: () => Reply): Reply {
    const key = `${name} ${protocol}`;
    const kept = this.#rendered.get(key);
    if (kept) return kept;
    const reply = new Encoded(encodeAlone(make(), protocol));
    this.#rendered.set(key, reply);
    return reply;
  }

  /** Finds a command by name in any case, or a subcommand by `container|name`. */
  find(name: Buffer): Resolved | undefined {
    const bar = name.indexOf('|');
    if (bar < 0) return this.#entry(name);
    return this.#entry(name.subarray(0, bar))?.subcommands?.get(lower(name.subarray(bar + 1)));
  }

  /**
   * The command that argv names, with its arity checked.
   * @throws GatewayError with Redis' texts: unknown command or subcommand, wrong number of arguments.
   */
  resolve(argv: readonly Buffer[]): Resolved {
    const entry = this.#entry(argv[0]!);
    if (!entry) throw fail('unknown-command', clip(argv[0]!, 128), beginningOf(argv));
    if (!entry.subcommands || argv.length < 2) return checked(entry, argv.length);
    const sub = entry.subcommands.get(lower(argv[1]!));
    if (!sub) throw fail('unknown-subcommand', clip(argv[1]!, 128), entry.fullName.toUpperCase());
    return checked(sub, argv.length);
  }

  #entry(name: Buffer): Entry | undefined {
    for (const entry of this.#buckets[hash(name)]!) if (sameName(entry.nameBytes, name)) return entry;
    return undefined;
  }
}

/** Runs a command. A synchronous throw becomes an error reply. */
export function runCommand(ctx: Context, found: Resolved, argv: readonly Buffer[]): Reply | Promise<Reply> {
  try {
    return found.command.run!(ctx, new Args(argv, found.first));
  } catch (error) {
    return errorReply(ctx, found.command, error);
  }
}

/** Refusals that producing and consuming commands share: Rafka's clients distinguish them by the command's own prefix. */
const ofEveryKind: ReadonlySet<string> = new Set([
  'topic-invalid',
  'topic-internal',
  'group-invalid',
] satisfies ErrorCode[]);

/** The reply to a thrown value: an expected failure's text, or a defect that is logged and hidden from the client. */
export function errorReply(ctx: Context, command: Command | undefined, error: unknown): ErrorReply {
  const reply = refusalOf(ctx, command, error);
  ctx.noteError?.(reply.text);
  return reply;
}

function refusalOf(ctx: Context, command: Command | undefined, error: unknown): ErrorReply {
  ctx.server.stats.count(
    'errors',
    'resp',
    error instanceof GatewayError ? error.code : error instanceof KafkaError ? 'kafka' : 'internal',
  );
  if (command && error instanceof GatewayError && ofEveryKind.has(error.code))
    return new ErrorReply(`${command.prefix} ${error.message}`);
  if (error instanceof GatewayError) {
    if (error.code === 'not-permitted') ctx.server.logins.denied(loginOf(ctx, ctx.user.name), error.message);
    return new ErrorReply(error.resp);
  }
  if (error instanceof KafkaError) return new ErrorReply(`${command?.prefix ?? 'ERR'} ${error.message}`);
  ctx.log.error({ err: error, conn: ctx.id, command: command?.name }, 'a command failed unexpectedly');
  return new ErrorReply('ERR internal error');
}

function entryOf(command: Command): Entry {
  const subcommands = command.subcommands?.map((sub): [string, Resolved] => [
    sub.name,
    { command: sub, fullName: `${command.name}|${sub.name}`, first: 2 },
  ]);
  return {
    command,
    fullName: command.name,
    first: 1,
    nameBytes: Buffer.from(command.name, 'latin1'),
    subcommands: subcommands && new Map(subcommands),
  };
}

function checked(found: Resolved, count: number): Resolved {
  const { arity, run, wrongArity } = found.command;
  const fits = arity >= 0 ? count === arity : count >= -arity;
  if (fits && run) return found;
  throw wrongArity?.(count - found.first) ?? fail('wrong-arity', found.fullName);
}

function hash(name: Buffer): number {
  const { length } = name;
  if (length === 0) return 0;
  return (length * 31 + (name[0]! & 0x1f) * 7 + (name[length - 1]! & 0x1f) * 11 + (name[length >> 1]! & 0x1f)) & 511;
}

/** @param lower a name in lower case. */
function sameName(lower: Buffer, name: Buffer): boolean {
  if (lower.length !== name.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const byte = name[i]!;
    if (lower[i] !== (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)) return false;
  }
  return true;
}

const lower = (name: Buffer): string => name.toString('latin1').toLowerCase();

const clip = (bytes: Buffer, most: number): string => bytes.toString('utf8', 0, Math.min(bytes.length, most));

/** The arguments as Redis quotes them after an unknown command: cut at 128 characters. */
function beginningOf(argv: readonly Buffer[]): string {
  let text = '';
  for (let i = 1; i < argv.length && text.length < 128; i++) text += `'${clip(argv[i]!, 128 - text.length)}' `;
  return text;
}
