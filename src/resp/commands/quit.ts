// QUIT: closes the connection.
import type { Command } from '../command/context.js';
import { OK } from '../wire/reply.js';

/** `QUIT` -> `+OK`, then the connection is closed. Rafka answers a bulk OK. */
export const quit = {
  name: 'quit',
  arity: -1,
  prefix: 'ERR',
  group: 'connection',
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  summary: 'Closes the connection.',
  since: '1.0.0',
  run(ctx) {
    ctx.sessions.streams.acknowledge();
    ctx.closeAfterReply();
    return OK;
  },
} satisfies Command;
