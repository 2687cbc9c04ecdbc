// POST /groups/{group}/reset and DELETE /groups/{group}: what an admin does to a group without members.
import { fail } from '../../../errors.js';
import { clusterOf } from '../host.js';
import type { Resource } from '../resource.js';
import { checkGroup } from './groups.js';

const targets = ['earliest', 'latest', 'offset', 'time'] as const;

export const resetGroup = {
  name: 'consoleResetGroup',
  method: 'POST',
  path: '/groups/{group}/reset',
  isAction: true,
  summary: "Sets a group's positions in a topic; with `preview` only says where they would be",
  body: {
    type: 'object',
    required: ['topic', 'to'],
    properties: {
      topic: { type: 'string' },
      to: { type: 'string', enum: targets },
      at: { type: 'integer', description: 'The offset, or the time in ms' },
      partitions: { type: 'array', items: { type: 'integer' } },
      preview: { type: 'boolean' },
      confirm: { type: 'string', description: "The group's name, unless it is a preview" },
    },
  },
  errors: { 400: 'A bad body, or not confirmed', 404: 'Unknown topic', 500: 'The group has members' },
  async run({ user, query, path, body }, host) {
    const group = path.group!;
    const { topic, to, at = 0, partitions, preview } = body;
    checkGroup(user, group);
    if (typeof topic !== 'string') throw fail('request-invalid', 'topic must be a text');
    user.checkConsume(group, [topic]);
    const target = targets.find((each) => each === to);
    if (!target) throw fail('request-invalid', `to must be one of ${targets.join(', ')}`);
    if (!Number.isSafeInteger(at) || (at as number) < 0) throw fail('request-invalid', 'at must be a whole number');
    const cluster = clusterOf(host, query);
    const only = Array.isArray(partitions) ? new Set(partitions.map(Number)) : undefined;
    const rows = await cluster.groups.resetPlan(group, topic, target, at as number, only, (times) =>
      cluster.messages.offsetsAt(topic, times),
    );
    if (preview === true) return { rows, isDone: false };
    checkConfirmed(body, group);
    await cluster.groups.reset(
      group,
      rows.map(({ partition, next }) => ({ topic, partition, offset: next })),
    );
    host.log.warn({ user: user.name, group, topic, to }, 'the positions of a group were set in the console');
    return { rows, isDone: true };
  },
} satisfies Resource;

export const deleteGroup = {
  name: 'consoleDeleteGroup',
  method: 'DELETE',
  path: '/groups/{group}',
  isAction: true,
  summary: 'Deletes a group without members, with its positions',
  body: {
    type: 'object',
    required: ['confirm'],
    properties: { confirm: { type: 'string', description: "The group's name" } },
  },
  errors: { 400: 'Not confirmed', 500: 'The group has members' },
  async run({ user, query, path, body }, host) {
    checkGroup(user, path.group!);
    checkConfirmed(body, path.group!);
    await clusterOf(host, query).groups.delete(path.group!);
    host.log.warn({ user: user.name, group: path.group }, 'a group was deleted in the console');
    return {};
  },
} satisfies Resource;

/** @throws GatewayError `request-invalid` */
function checkConfirmed({ confirm }: Readonly<Record<string, unknown>>, name: string): void {
  if (confirm !== name) throw fail('request-invalid', `confirm must be '${name}'`);
}
