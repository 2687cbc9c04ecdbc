// OBJECT: answers for tools about keys; a topic is a list, and by its bare name a stream.
import { fail } from '../../errors.js';
import { container } from '../command/container.js';
import type { Command } from '../command/context.js';
import { isTopicKey, streamOfKey } from '../info/keyspace.js';

const common = {
  arity: 3,
  prefix: 'ERR',
  group: 'generic',
  flags: ['readonly'],
  since: '2.2.3',
  keys: [2, 2, 1],
  args: [{ name: 'key', type: 'key' }],
  tips: ['nondeterministic_output'],
} as const satisfies Partial<Command>;

const encoding = {
  ...common,
  name: 'encoding',
  summary: 'Returns the internal encoding of a key: quicklist for a topic, stream for a stream.',
  async run(ctx, args) {
    const key = args.text();
    if (!(await isTopicKey(ctx, key))) return null;
    return streamOfKey(key) === undefined ? 'quicklist' : 'stream';
  },
} satisfies Command;

const refcount = {
  ...common,
  name: 'refcount',
  summary: 'Returns the reference count of a key.',
  run: async (ctx, args) => ((await isTopicKey(ctx, args.text())) ? 1 : null),
} satisfies Command;

const idletime = {
  ...common,
  name: 'idletime',
  summary: 'Returns the idle time of a key: not tracked, 0.',
  run: async (ctx, args) => ((await isTopicKey(ctx, args.text())) ? 0 : null),
} satisfies Command;

const freq = {
  ...common,
  name: 'freq',
  summary: 'Returns the access frequency of a key: not tracked.',
  async run(ctx, args) {
    if (await isTopicKey(ctx, args.text())) throw fail('lfu-not-selected');
    return null;
  },
} satisfies Command;

export const object = container({
  name: 'object',
  group: 'generic',
  summary: 'A container for object introspection commands.',
  since: '2.2.3',
  subcommands: [encoding, freq, idletime, refcount],
});
