// EXEC: runs what was kept since MULTI -> an array with the commands' replies.
// What they write and acknowledge is one Kafka transaction: all of it is there and has moved, or EXECABORT, and nothing has.
// Unlike Redis: a command that writes or acknowledges and is refused aborts the whole; reads see what was before EXEC.
import { fail } from '../../errors.js';
import { errorReply, runCommand } from '../command/command.js';
import type { Command, CommandQueue, Context, QueuedCommand } from '../command/context.js';
import { ExecTransaction } from '../command/transaction.js';
import { ErrorReply, noReply, OK, type Reply } from '../wire/reply.js';

export const exec = {
  name: 'exec',
  arity: 1,
  prefix: 'ERR',
  group: 'transactions',
  flags: ['noscript', 'loading', 'stale', 'skip_slowlog'],
  summary: 'Runs the commands since MULTI, as one Kafka transaction where they write or acknowledge.',
  since: '1.2.0',
  wrongArity: () => fail('exec-aborted', "wrong number of arguments for 'exec' command"),
  run(ctx): Reply | Promise<Reply> {
    const { queue } = ctx;
    if (!queue) throw fail('exec-without-multi');
    ctx.endQueue();
    if (queue.isBroken) throw fail('exec-aborted-errors');
    return execute(ctx, queue);
  },
} satisfies Command;

/** Commands that write or acknowledge: one that is refused aborts the others. */
const transacted: ReadonlySet<string> = new Set(['rpushx', 'rpush', 'lpush', 'publish', 'xadd', 'xack']);

/** Boxed: a promise of a promise would be waited for. */
interface Started {
  readonly reply: Promise<Reply>;
}

async function execute(ctx: Context, { commands }: CommandQueue): Promise<Reply> {
  const isOff = ctx.server.settings.transactions === 'off';
  const transaction = isOff ? undefined : new ExecTransaction(ctx);
  const started: Started[] = [];
  ctx.isInExec = true;
  ctx.transaction = transaction;
  try {
    for (const command of commands) started.push(await start(ctx, command, transaction));
  } finally {
    ctx.isInExec = false;
    ctx.transaction = undefined;
  }
  await transaction?.end();
  return Promise.all(started.map(({ reply }) => reply));
}

/** Runs one command until it has answered, or waits for the end of the transaction. */
async function start(ctx: Context, command: QueuedCommand, transaction: ExecTransaction | undefined): Promise<Started> {
  const held = transaction?.held;
  const reply = answered(ctx, command, transaction);
  await (held ? Promise.race([reply, held]) : reply);
  return { reply };
}

async function answered(ctx: Context, { found, argv }: QueuedCommand, transaction?: ExecTransaction): Promise<Reply> {
  const { command } = found;
  let reply: Reply;
  try {
    reply = await runCommand(ctx, found, argv);
  } catch (error) {
    reply = errorReply(ctx, command, error);
  }
  if (reply instanceof ErrorReply && transacted.has(command.name)) transaction?.refuse(reply.text);
  return reply === noReply ? OK : reply;
}
