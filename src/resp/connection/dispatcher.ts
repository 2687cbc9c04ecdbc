// The commands of one connection in order: one runs, those behind it wait, except for kinds that may overlap.

import { type MemoryBudget, Reservation } from '../../core/memory-budget.js';
import type { Stats } from '../../core/stats/stats.js';
import { fail } from '../../errors.js';
import { errorReply, runCommand } from '../command/command.js';
import type { Commands, Context, Resolved } from '../command/context.js';
import { type Decoded, ProtocolFault, refusedBySize } from '../wire/decoder.js';
import { Encoded, ErrorReply, hasEntries, MapReply, nullArray, type Reply } from '../wire/reply.js';
import type { Monitors } from './monitor.js';
import { ReplyLine } from './reply-line.js';

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

const tooLarge = new ErrorReply('PROD Broker: Message size too large');

/** What a pipeline needs of the server. */
export interface PipelineHost {
  readonly commands: Commands;
  readonly monitors: Monitors;
  readonly stats: Stats;
  readonly budget: MemoryBudget;
  nowMicros(): number;
}

/** The owner of a pipeline. */
export interface PipelineOwner extends Context {
  readonly isSubscribed: boolean;
  /** The next reply, in the order of the commands. */
  answer(reply: Reply): void;
  /** The command's memory is released without a reply: the client is gone. */
  releaseMemory(): void;
  /** Replies arrived outside of a turn: write them, and run the commands behind them. */
  goOn(): void;
  /** A failure that answers no command: a defect. It costs this connection only. */
  failed(error: unknown): void;
}

function isPipelined(ctx: Context, { command: { pipelined } }: Resolved): boolean {
  return typeof pipelined === 'function' ? pipelined(ctx) : pipelined === true;
}

export class Pipeline {
  readonly #host: PipelineHost;
  readonly #owner: PipelineOwner;
  #last: Resolved | undefined;
  #isWaiting = false;
  #unblocked: 'timeout' | 'error' | undefined;
  /** Pending replies of pipelined commands; created with the first such command. */
  #line: ReplyLine | undefined;
  /** The next command, which is of another kind. */
  #behindLine: Exclude<Decoded, undefined> | undefined;
  #writingLine = false;
  #closed = false;

  constructor(host: PipelineHost, owner: PipelineOwner) {
    this.#host = host;
    this.#owner = owner;
  }

  /** A command waits, and all behind it. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** No more commands may be taken now. */
  get isHeld(): boolean {
    return this.#isWaiting || this.#behindLine !== undefined || (this.#line?.length ?? 0) >= MAX_OUTSTANDING;
  }

  /** Every reply has left. */
  get isEmpty(): boolean {
    return !this.#isWaiting && (this.#line === undefined || this.#line.length === 0);
  }

  /** The command that waits, or ran last. */
  get last(): Resolved | undefined {
    return this.#last;
  }

  /** Runs one command, or keeps it until those before it have answered. */
  take(decoded: Exclude<Decoded, undefined>): void {
    if (!this.isEmpty && !this.#isPipelined(decoded)) this.#behindLine = decoded;
    else if (decoded === refusedBySize) this.#owner.answer(tooLarge);
    else if (decoded instanceof ProtocolFault) this.#end(decoded);
    else this.#execute(decoded);
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

  #end(fault: ProtocolFault): void {
    this.#host.stats.add('resp.protocol.errors');
    this.#owner.answer(new ErrorReply(`ERR Protocol error: ${fault.text}`));
    this.#owner.closeAfterReply();
  }

  #execute(argv: readonly Buffer[]): void {
    let found: Resolved;
    try {
      found = this.#host.commands.resolve(argv);
      this.#checkAllowed(found);
    } catch (error) {
      if (isHttp(argv[0]!)) this.#owner.destroy();
      this.#answerInLine(errorReply(this.#owner, undefined, error));
      return;
    }
    this.#last = found;
    const { monitors } = this.#host;
    if (monitors.any) monitors.feed(this.#owner, found, argv, this.#host.nowMicros());
    const reply = argv.length > FEW_ARGUMENTS ? this.#runLarge(found, argv) : runCommand(this.#owner, found, argv);
    if (!(reply instanceof Promise)) this.#answerInLine(reply);
    else if (isPipelined(this.#owner, found)) this.#lineUp(reply, found);
    else this.#waitFor(reply, found);
  }

  /** Its arguments are kept until it has answered, at many times the size in which they arrived. */
  #runLarge(found: Resolved, argv: readonly Buffer[]): Reply | Promise<Reply> {
    const memory = new Reservation(this.#host.budget);
    try {
      memory.take(argv.length * (found.command.pipelined ? RECORD_BYTES : ARGUMENT_BYTES));
    } catch (error) {
      return errorReply(this.#owner, found.command, error);
    }
    const reply = runCommand(this.#owner, found, argv);
    if (reply instanceof Promise) return reply.finally(() => memory.release());
    memory.release();
    return reply;
  }

  /** @throws GatewayError if the connection may not run this now. */
  #checkAllowed({ command, fullName }: Resolved): void {
    const { isAuthenticated, protocol, isSubscribed } = this.#owner;
    if (!isAuthenticated && !command.flags.includes('no_auth')) throw fail('no-auth');
    if (isSubscribed && protocol === 2 && !whileSubscribed.has(fullName)) throw fail('subscribed', fullName);
  }

  #waitFor(promise: Promise<Reply>, found: Resolved): void {
    this.#isWaiting = true;
    const settled = (reply: Reply): void => {
      this.#isWaiting = false;
      try {
        if (this.#closed) {
          this.#owner.releaseMemory();
          return;
        }
        this.#owner.answer(this.#unlessUnblocked(reply));
        this.#owner.goOn();
      } catch (error) {
        this.#owner.failed(error);
      }
    };
    promise.then(settled, (error) => settled(errorReply(this.#owner, found.command, error)));
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
    const found = this.#host.commands.find(decoded[0]!);
    return found !== undefined && isPipelined(this.#owner, found);
  }

  #answerInLine(reply: Reply): void {
    if (this.#line !== undefined && this.#line.length > 0) this.#line.add(reply);
    else this.#owner.answer(reply);
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
    reply.then(settled, (error) => settled(errorReply(this.#owner, found.command, error)));
  }

  readonly #writeLine = (): void => {
    try {
      this.#leave();
    } catch (error) {
      this.#owner.failed(error);
    }
  };

  #leave(): void {
    this.#writingLine = false;
    const line = this.#line;
    if (this.#closed || line === undefined) return;
    for (let reply = line.take(); reply !== undefined; reply = line.take()) this.#owner.answer(reply);
    const next = this.#behindLine;
    if (line.length === 0 && next !== undefined) {
      this.#behindLine = undefined;
      this.take(next);
    }
    this.#owner.goOn();
  }
}

/** A browser that was tricked into sending HTTP here must not get any of its lines run. */
function isHttp(name: Buffer): boolean {
  return /^(?:post|host:)$/i.test(name.toString('latin1', 0, 6));
}
