// LATENCY: valid and empty answers; latencies are in the metrics.

import { container } from '../command/container.js';
import type { Command } from '../command/context.js';
import { MapReply, Verbatim } from '../wire/reply.js';

const common = {
  prefix: 'ERR',
  group: 'server',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  since: '2.8.13',
} as const satisfies Partial<Command>;

const latest = {
  ...common,
  name: 'latest',
  arity: 2,
  summary: 'Returns the latest latency samples: none.',
  run: () => [],
} satisfies Command;

const history = {
  ...common,
  name: 'history',
  arity: 3,
  summary: 'Returns the latency samples of an event: none.',
  args: [{ name: 'event', type: 'string' }],
  run: () => [],
} satisfies Command;

const reset = {
  ...common,
  name: 'reset',
  arity: -2,
  summary: 'Resets the latency data: there is none.',
  args: [{ name: 'event', type: 'string', optional: true, multiple: true }],
  run: () => 0,
} satisfies Command;

const histogram = {
  ...common,
  name: 'histogram',
  arity: -2,
  summary: 'Returns the latencies of commands: none are kept.',
  args: [{ name: 'command', type: 'string', optional: true, multiple: true }],
  run: () => new MapReply([]),
} satisfies Command;

const doctor = {
  ...common,
  name: 'doctor',
  arity: 2,
  summary: 'Returns a report for people.',
  run: () => new Verbatim('Latencies are not watched here: see the metrics of the gateway.'),
} satisfies Command;

export const latency = container({
  name: 'latency',
  group: 'server',
  summary: 'A container for latency diagnostics commands.',
  since: '2.8.13',
  subcommands: [doctor, histogram, history, latest, reset],
});
