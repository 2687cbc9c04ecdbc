// XGROUP: creates, moves and deletes consumer groups and their members.
import { container } from '../command/container.js';
import { createconsumer, delconsumer } from './xgroup/consumers.js';
import { create, destroy, setid } from './xgroup/groups.js';

export const xgroup = container({
  name: 'xgroup',
  group: 'stream',
  summary: 'A container for consumer groups commands.',
  since: '5.0.0',
  subcommands: [create, createconsumer, delconsumer, destroy, setid],
});
