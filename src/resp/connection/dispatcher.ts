// The commands of one connection in order: one runs, those behind it wait, except for kinds that may overlap.

import { type Memory, Reservation } from '../../core/memory/memory-budget.js';
import { fail, type GatewayError } from '../../errors.js';
import { errorReply, runCommand } from '../command/command.js';
import type { Context, Resolved } from '../command/context.js';
import { type Decoded, ProtocolFault, refusedBySize } from '../wire/decoder.js';
import { Encoded, ErrorReply, hasEntries, MapReply, nullArray, type Reply } from '../wire/reply.js';
import { ReplyLine } from './reply-line.js';
import type { ServerParts } from './server-parts.js';
import type { Writer } from './writer.js';

/** Maximum outstanding replies of pipelined commands. */
const MAX_OUTSTANDING = 1024;

/** A command with more arguments than this reserves memory for them. */
const FEW_ARGUMENTS = 1_000;
/** Memory of an argument, beside its bytes; of one that becomes a record whose delivery is awaited. */
const ARGUMENT_BYTES = 256;
const RECORD_BYTES = 1_536;

/** On RESP2 a subscribed client cannot distinguish other answers from messages. */
const whileSubscribed: ReadonlySet<string> = new Set([
  'subscribe',
  'psubscribe',
  'unsubscribe',
  'punsubscribe',
  'ping',
  'quit',
  'reset',
]);

/** What runs between MULTI and EXEC. */
const atOnce: ReadonlySet<string> = new Set(['multi', 'exec', 'discard', 'watch', 'quit', 'reset']);

const tooLarge = new ErrorReply('PROD Broker: Message size too large');

function isPipelined(ctx: Context, { command: { pipelined } }: Resolved): boolean {
  return typeof pipelined === 'function' ? pipelined(ctx) : pipelined === true;
}

/** The middle stage of a connection: commands become replies for the writer. */
export class Dispatcher {
  readonly #server: ServerParts;
  readonly #ctx: Context;
  readonly #writer: Writer;
  readonly #resume: () => void;
  readonly #failed: (error: unknown) => void;
  /** The running command's share of the common memory; created on first use. */
  #memory: Reservation | undefined;
  /** The client has ended its side. */
  #isLast = false;
  #last: Resolved | undefined;
  #isWaiting = false;
  #unblocked: 'timeout' | 'error' | undefined;
  /** Pending replies of pipelined commands; created with the first such command. */
  #line: ReplyLine | undefined;
  /** The next command, which is of another kind. */
  #behindLine: Exclude<Decoded, undefined> | undefined;
  #writingLine = false;
  #closed = false;

  /**
   * @param resume called for replies outside of a turn: writes them, and runs the commands behind them
   * @param failed called for a failure that answers no command: a defect, which costs this connection only
   */
  constructor(server: ServerParts, ctx: Context, writer: Writer, resume: () => void, failed: (error: unknown) => void) {
    this.#server = server;
    this.#ctx = ctx;
    this.#writer = writer;
    this.#resume = resume;
    this.#failed = failed;
  }

  /** Where the command that runs accounts for what it reads and answers. */
  get memory(): Memory {
    this.#memory ??= new Reservation(this.#server.budget);
    return this.#memory;
  }

  /** A command waits, and all behind it. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Takes a command. */
  get isReady(): boolean {
    return (
      !this.#isWaiting &&
      this.#behindLine === undefined &&
      (this.#line === undefined || this.#line.length < MAX_OUTSTANDING) &&
      this.#writer.isReady
    );
  }

  get isClosing(): boolean {
    return this.#writer.isClosing;
  }

  /** Every reply has left. */
  get #isEmpty(): boolean {
    return !this.#isWaiting && (this.#line === undefined || this.#line.length === 0);
  }

  /** The command that waits, or ran last. */
  get last(): Resolved | undefined {
    return this.#last;
  }

  /** Runs one command, or keeps it until those before it have answered. */
  take(decoded: Exclude<Decoded, undefined>): void {
    if (!this.#isEmpty && !this.#isPipelined(decoded)) this.#behindLine = decoded;
    else if (decoded === refusedBySize) this.#refuseSize();
    else if (decoded instanceof ProtocolFault) this.#end(decoded);
    else this.#execute(decoded);
  }

  /** The client has ended its side: the connection closes once every command is answered. */
  clientEnded(): void {
    this.#isLast = true;
  }

  /** A turn is over: writes its replies. @param emptied all received commands were run. */
  endTurn(commands: number, emptied: boolean): void {
    const isDone = emptied && this.#isEmpty;
    this.#server.stats.add('resp.commands', commands);
    this.#writer.flush(isDone);
    if (this.#isLast && isDone) this.#writer.closeAfterReply();
    if (this.#writer.isClosing) this.#writer.end();
  }

  /** CLIENT UNBLOCK: the waiting command answers as after its time-out, or with an error. @returns false if none waits. */
  unblock(how: 'timeout' | 'error'): boolean {
    if (!this.#isWaiting || !this.#last?.command.flags.includes('blocking')) return false;
    this.#unblocked = how;
    return true;
  }

  /** Later replies are dropped. */
  close(): void {
    this.#closed = true;
    this.#line?.clear();
    this.#behindLine = undefined;
  }

  #refuseSize(): void {
    if (this.#ctx.queue) this.#ctx.queue.isBroken = true;
    this.#answer(tooLarge);
  }

  /** @returns whether a command is kept for EXEC. */
  #isKept(found: Resolved, argv: readonly Buffer[]): boolean {
    const { queue } = this.#ctx;
    if (!queue || atOnce.has(found.fullName)) return false;
    try {
      if (found.command.flags.includes('no_multi')) throw fail('not-in-multi');
      this.#answerInLine(queue.add(found, argv));
    } catch (error) {
      queue.isBroken = true;
      this.#answerInLine(errorReply(this.#ctx, found.command, error));
    }
    return true;
  }

  #end(fault: ProtocolFault): void {
    this.#server.stats.add('resp.protocol.errors');
    this.#answer(new ErrorReply(`ERR Protocol error: ${fault.text}`));
    this.#writer.closeAfterReply();
  }

  #execute(argv: readonly Buffer[]): void {
    let found: Resolved;
    try {
      found = this.#server.commands.resolve(argv);
      this.#checkAllowed(found);
    } catch (error) {
      if (isHttp(argv[0]!)) this.#ctx.destroy();
      if (this.#ctx.queue) this.#ctx.queue.isBroken = true;
      this.#answerInLine(errorReply(this.#ctx, undefined, error));
      return;
    }
    this.#last = found;
    const { monitors } = this.#server;
    if (monitors.any) monitors.feed(this.#ctx, found, argv, this.#server.nowMicros());
    if (this.#isKept(found, argv)) return;
    const reply = argv.length > FEW_ARGUMENTS ? this.#runLarge(found, argv) : runCommand(this.#ctx, found, argv);
    if (!(reply instanceof Promise)) this.#answerInLine(reply);
    else if (isPipelined(this.#ctx, found)) this.#lineUp(reply, found);
    else this.#waitFor(reply, found);
  }

  /** Its arguments are kept until it has answered, at many times the size in which they arrived. */
  #runLarge(found: Resolved, argv: readonly Buffer[]): Reply | Promise<Reply> {
    const memory = new Reservation(this.#server.budget);
    try {
      memory.take(argv.length * (found.command.pipelined ? RECORD_BYTES : ARGUMENT_BYTES));
    } catch (error) {
      return errorReply(this.#ctx, found.command, error);
    }
    const reply = runCommand(this.#ctx, found, argv);
    if (reply instanceof Promise) return reply.finally(() => memory.release());
    memory.release();
    return reply;
  }

  /** @throws GatewayError if the connection may not run this now. */
  /** @throws GatewayError `no-auth`, `subscribed`; of EXEC `exec-aborted` in their place */
  #checkAllowed(found: Resolved): void {
    const refusal = this.#refusalOf(found);
    if (!refusal) return;
    throw found.fullName === 'exec' ? fail('exec-aborted', refusal.resp.replace(/^ERR /, '')) : refusal;
  }

  #refusalOf({ command, fullName }: Resolved): GatewayError | undefined {
    const { isAuthenticated, protocol, isSubscribed } = this.#ctx;
    if (!isAuthenticated && !command.flags.includes('no_auth')) return fail('no-auth');
    return isSubscribed && protocol === 2 && !whileSubscribed.has(fullName) ? fail('subscribed', fullName) : undefined;
  }

  #waitFor(promise: Promise<Reply>, found: Resolved): void {
    this.#isWaiting = true;
    const settled = (reply: Reply): void => {
      this.#isWaiting = false;
      try {
        if (this.#closed) {
          this.#memory?.release();
          return;
        }
        this.#answer(this.#unlessUnblocked(reply));
        this.#resume();
      } catch (error) {
        this.#failed(error);
      }
    };
    promise.then(settled, (error) => settled(errorReply(this.#ctx, found.command, error)));
  }

  /** CLIENT UNBLOCK decides the answer of a command that had nothing to answer yet. */
  #unlessUnblocked(reply: Reply): Reply {
    const how = this.#unblocked;
    this.#unblocked = undefined;
    if (how === undefined || Array.isArray(reply) || reply instanceof MapReply) return reply;
    // Entries that another process has handed out: they belong to this client.
    if (reply instanceof Encoded && hasEntries(reply.bytes)) return reply;
    return how === 'error' ? new ErrorReply(fail('unblocked').resp) : nullArray;
  }

  #isPipelined(decoded: Exclude<Decoded, undefined>): boolean {
    if (decoded === refusedBySize || decoded instanceof ProtocolFault) return false;
    const found = this.#server.commands.find(decoded[0]!);
    return found !== undefined && isPipelined(this.#ctx, found);
  }

  /** The next reply, in the order of the commands. */
  #answer(reply: Reply): void {
    // As bytes it counts for the client that has to read it.
    this.#memory?.release();
    this.#writer.answer(reply, this.#ctx.protocol);
  }

  #answerInLine(reply: Reply): void {
    if (this.#line !== undefined && this.#line.length > 0) this.#line.add(reply);
    else this.#answer(reply);
  }

  /** The next commands of this kind run before this reply is ready; the replies leave in order. */
  #lineUp(reply: Promise<Reply>, found: Resolved): void {
    this.#line ??= new ReplyLine();
    const fill = this.#line.add();
    const settled = (made: Reply): void => {
      fill(made);
      if (this.#writingLine) return;
      // Replies that settle in the same turn leave in one write.
      this.#writingLine = true;
      setImmediate(this.#writeLine);
    };
    reply.then(settled, (error) => settled(errorReply(this.#ctx, found.command, error)));
  }

  readonly #writeLine = (): void => {
    try {
      this.#leave();
    } catch (error) {
      this.#failed(error);
    }
  };

  #leave(): void {
    this.#writingLine = false;
    const line = this.#line;
    if (this.#closed || line === undefined) return;
    for (let reply = line.take(); reply !== undefined; reply = line.take()) this.#answer(reply);
    const next = this.#behindLine;
    if (line.length === 0 && next !== undefined) {
      this.#behindLine = undefined;
      this.take(next);
    }
    this.#resume();
  }
}

/** A browser that was tricked into sending HTTP here must not get any of its lines run. */
function isHttp(name: Buffer): boolean {
  return /^(?:post|host:)$/i.test(name.toString('latin1', 0, 6));
}
