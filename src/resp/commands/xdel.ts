// XDEL key id [id ...]  ->  0: Kafka cannot delete one record. A warning is logged once; streams.xdel `error` refuses instead.
import { fail } from '../../errors.js';
import type { Command } from '../command/context.js';
import { parseId } from '../streams/ids.js';
import { writtenTopic } from '../streams/key.js';

export const xdel = {
  name: 'xdel',
  arity: -3,
  prefix: 'ERR',
  group: 'stream',
  flags: ['write', 'fast'],
  summary: 'Accepted, and deletes nothing: Kafka cannot delete one record.',
  since: '5.0.0',
  keys: [1, 1, 1],
  args: [
    { name: 'key', type: 'key' },
    { name: 'id', type: 'string', multiple: true },
  ],
  run(ctx, args) {
    const topic = writtenTopic(ctx, args);
    for (const id of args.rest()) parseId(id);
    const { streams, settings } = ctx.server.gateway;
    if (settings.streams.xdel === 'error') throw fail('delete-refused', 'Kafka cannot delete one record');
    streams.noteDelete(topic);
    return 0;
  },
} as const satisfies Command;
