// GET /topics/{topic}: partitions with leader, replicas in sync, first and next offset; settings for an admin.
import type { User } from '../../../core/access/user.js';
import { fail } from '../../../errors.js';
import { type ConsoleHost, clusterOf } from '../host.js';
import type { Resource } from '../resource.js';
import { maySee } from './topics.js';

/** @throws GatewayError `not-permitted` */
export function checkSee(user: User, topic: string, host: ConsoleHost): void {
  if (!maySee(user, topic, host)) throw fail('not-permitted', `User ${user.name} has no permissions to see '${topic}'`);
}

export const topic = {
  name: 'consoleTopic',
  method: 'GET',
  path: '/topics/{topic}',
  summary: 'One topic: partitions with leader, replicas in sync, first and next offset; its settings, to an admin',
  errors: { 404: 'Unknown topic', 500: 'Kafka refused' },
  async run({ user, query, path }, host) {
    checkSee(user, path.topic!, host);
    const { row, config, ...rest } = await clusterOf(host, query).topics.describe(path.topic!);
    return {
      ...row,
      ...rest,
      partitionRows: rest.partitions,
      partitions: row.partitions,
      config: user.isAdmin ? config : null,
    };
  },
} satisfies Resource;
