// POST /prompt and GET /commands: redis-cli in the page.
import { fail } from '../../../../errors.js';
import { masker } from '../../masking.js';
import { printReply, wordsOf } from '../../redis/reply.js';
import type { Resource } from '../../resource.js';
import { checkPayloads } from '../message-view.js';
import { respOf } from './clients.js';

/** What needs a connection of its own, or would make it another user's. */
const refused: ReadonlySet<string> = new Set([
  ...['auth', 'hello', 'monitor', 'subscribe', 'psubscribe', 'ssubscribe', 'quit', 'reset'],
  ...['client reply', 'client tracking'],
]);
/** A command that waits longer is ended, with its connection, ms. */
const timeoutMs = 60_000;

export const prompt = {
  name: 'consolePrompt',
  method: 'POST',
  path: '/prompt',
  isAction: true,
  isForAll: true,
  summary: "Runs a command of a Redis client with the user's own rights, and answers as redis-cli prints it",
  body: {
    type: 'object',
    required: ['line'],
    properties: {
      line: { type: 'string', description: 'As typed in redis-cli' },
      prompt: { type: 'string', description: 'The `prompt` of the answer before: the same connection' },
    },
  },
  errors: { 400: 'A bad line, or a command that takes redis-cli' },
  async run({ user, body, signal }, host) {
    respOf(host);
    checkPayloads(host);
    if (!host.prompts) throw fail('request-invalid', 'with --workers use redis-cli');
    const words = typeof body.line === 'string' ? wordsOf(body.line) : undefined;
    if (!words || words.length === 0) throw fail('request-invalid', 'line must be a command; quotes must be closed');
    const [first = '', second = ''] = words.slice(0, 2).map((word) => word.toString().toLowerCase());
    if (refused.has(first) || refused.has(`${first} ${second}`))
      throw fail('request-invalid', `${first.toUpperCase()} takes a connection of its own: use redis-cli`);
    const { id, link } = host.prompts.of(user, typeof body.prompt === 'string' ? body.prompt : '');
    const end = (): void => host.prompts?.end(id);
    const cancel = host.clock.after(timeoutMs, end);
    signal.addEventListener('abort', end, { once: true });
    const began = host.clock.monotonic();
    try {
      const mask = masker(host.settings.maskFields);
      const reply = await link.call(...words);
      const text = printReply(reply, (bytes) => mask(bytes).value);
      return { prompt: id, text, isError: reply.kind === 'error', ms: Math.round(host.clock.monotonic() - began) };
    } finally {
      cancel();
      signal.removeEventListener('abort', end);
    }
  },
} satisfies Resource;

export const commands = {
  name: 'consoleCommands',
  method: 'GET',
  path: '/commands',
  summary: 'The commands of Redis clients, with their arguments and what they do',
  errors: { 400: 'No Redis clients are served' },
  run: (_request, host) => ({ rows: respOf(host).hints() }),
} satisfies Resource;
