// GET /groups and /groups/{group}: consumer groups that the user may join.
import type { User } from '../../../core/access/user.js';
import { fail } from '../../../errors.js';
import { clusterOf } from '../host.js';
import { pageOf } from '../paging.js';
import { pagingParameters, type Resource } from '../resource.js';

/** @throws GatewayError `not-permitted` */
export function checkGroup(user: User, group: string): void {
  if (!user.mayJoin(group))
    throw fail('not-permitted', `User ${user.name} has no permissions to join the group '${group}'`);
}

export const groups = {
  name: 'consoleGroups',
  method: 'GET',
  path: '/groups',
  summary: 'One page of consumer groups: state, members, topics, lag. null: unknown',
  parameters: pagingParameters,
  errors: { 400: 'A bad parameter', 500: 'Kafka refused' },
  async run({ user, query }, host) {
    const cluster = clusterOf(host, query);
    const { rows, ...page } = pageOf(
      (await cluster.groups.all()).filter((group) => user.mayJoin(group)),
      query,
    );
    return { ...page, rows: await cluster.groups.rows(rows) };
  },
} satisfies Resource;

export const group = {
  name: 'consoleGroup',
  method: 'GET',
  path: '/groups/{group}',
  summary: 'One group: members, and for each partition what is committed, the end, the lag. null: unknown',
  errors: { 400: 'Unknown group', 500: 'Kafka refused' },
  async run({ user, query, path }, host) {
    checkGroup(user, path.group!);
    const found = await clusterOf(host, query).groups.describe(path.group!);
    return { group: path.group, ...found };
  },
} satisfies Resource;

/** Groups that one look at the lags describes. */
const mostGroups = 200;

export const lags = {
  name: 'consoleLags',
  method: 'GET',
  path: '/lags',
  summary: 'The ten groups with the largest lag, of the first 200; `groups` says of how many',
  errors: { 500: 'Kafka refused' },
  async run({ user, query }, host) {
    const cluster = clusterOf(host, query);
    const all = (await cluster.groups.all()).filter((name) => user.mayJoin(name)).toSorted();
    const rows = await cluster.groups.rows(all.slice(0, mostGroups));
    const known = rows.filter(({ lag }) => lag !== null).sort((one, other) => other.lag! - one.lag!);
    return { rows: known.slice(0, 10), looked: rows.length, unknown: rows.length - known.length, groups: all.length };
  },
} satisfies Resource;
