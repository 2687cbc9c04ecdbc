// XINFO: a stream's state, its groups and their members in this gateway.
import { container } from '../command/container.js';
import { consumers, groups } from './xinfo/groups.js';
import { stream } from './xinfo/stream.js';

export const xinfo = container({
  name: 'xinfo',
  group: 'stream',
  summary: 'A container for stream introspection commands.',
  since: '5.0.0',
  subcommands: [consumers, groups, stream],
});
