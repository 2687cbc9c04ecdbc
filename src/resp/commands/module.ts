// MODULE LIST: there are no modules.

import { container } from '../command/container.js';
import type { Command } from '../command/context.js';

/** `MODULE LIST` -> an empty array. */
const list = {
  name: 'list',
  arity: 2,
  prefix: 'ERR',
  group: 'server',
  flags: ['admin', 'noscript'],
  summary: 'Returns all loaded modules: none.',
  since: '4.0.0',
  tips: ['nondeterministic_output_order'],
  run: () => [],
} satisfies Command;

export const module = container({
  name: 'module',
  group: 'server',
  summary: 'A container for module commands.',
  since: '4.0.0',
  subcommands: [list],
});
