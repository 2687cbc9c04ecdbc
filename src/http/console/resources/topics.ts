// GET /topics: one page of the topics that the user may see.
import type { User } from '../../../core/access/user.js';
import { isInternalTopic } from '../../../core/topics/topic-name.js';
import { type ConsoleHost, clusterOf } from '../host.js';
import { pageOf } from '../paging.js';
import { pagingParameters, type Resource } from '../resource.js';

export const maySee = (user: User, name: string, { allowInternal }: ConsoleHost): boolean =>
  (allowInternal || !isInternalTopic(name)) && user.maySee(name);

export const topics = {
  name: 'consoleTopics',
  method: 'GET',
  path: '/topics',
  summary: 'One page of topics: partitions, messages, rate, retention. null: unknown',
  parameters: pagingParameters,
  errors: { 400: 'A bad parameter', 500: 'Kafka refused' },
  async run({ user, query }, host) {
    const cluster = clusterOf(host, query);
    const all = (await cluster.topics.all()).map(({ name }) => name).filter((name) => maySee(user, name, host));
    const { rows, ...page } = pageOf(all, query);
    return { ...page, rows: await cluster.topics.rows(rows) };
  },
} satisfies Resource;
