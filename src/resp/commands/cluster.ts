// CLUSTER: refused with the text by which clients recognize a single server.
import { fail } from '../../errors.js';
import { container } from '../command/container.js';
import type { Command } from '../command/context.js';

const disabled = (name: string, arity: number): Command => ({
  name,
  arity,
  prefix: 'ERR',
  group: 'cluster',
  flags: ['stale'],
  summary: 'A command of Redis Cluster: refused, there is none.',
  since: '3.0.0',
  run() {
    throw fail('cluster-disabled');
  },
});

export const cluster = container({
  name: 'cluster',
  group: 'cluster',
  summary: 'A container for cluster commands: refused, there is no cluster.',
  since: '3.0.0',
  subcommands: [
    disabled('countkeysinslot', 3),
    disabled('getkeysinslot', 4),
    disabled('info', 2),
    disabled('keyslot', 3),
    disabled('links', 2),
    disabled('myid', 2),
    disabled('nodes', 2),
    disabled('replicas', 3),
    disabled('shards', 2),
    disabled('slaves', 3),
    disabled('slots', 2),
  ],
});
