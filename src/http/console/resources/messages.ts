// GET /topics/{topic}/messages: messages from a place, or those that hold a text. Nothing is taken.
import type { User } from '../../../core/access/user.js';
import { fail } from '../../../errors.js';
import { type ClusterReaders, clusterOf } from '../host.js';
import { wholeOf } from '../paging.js';
import type { Places } from '../reading/messages.js';
import type { Resource } from '../resource.js';
import { checkPayloads, finder, messageView } from './message-view.js';
import { checkSee } from './topic.js';

const maxLimit = 200;

export const messages = {
  name: 'consoleMessages',
  method: 'GET',
  path: '/topics/{topic}/messages',
  summary: 'Messages of a topic, read without a group',
  parameters: [
    {
      name: 'from',
      description:
        '`latest` (newest first), `earliest`, `offset:<n>`, `time:<ms>`, or `group:<name>`: what it has not consumed',
      type: 'string',
    },
    { name: 'partition', description: 'Only this one', type: 'integer' },
    { name: 'q', description: 'Only messages that hold this text', type: 'string' },
    { name: 'in', description: 'Where to search: `key,value,headers`', type: 'string' },
    { name: 'limit', description: 'At most 200', type: 'integer' },
    { name: 'places', description: '`next` of the page before, as JSON', type: 'string' },
  ],
  errors: {
    400: 'A bad parameter',
    403: 'A search where payloads are not shown',
    404: 'Unknown topic',
    503: 'Kafka does not answer',
  },
  async run({ user, query, path }, host) {
    const topic = path.topic!;
    checkSee(user, topic, host);
    user.checkConsume(user.name, [topic]);
    const cluster = clusterOf(host, query);
    const text = query.get('q') ?? '';
    if (text !== '') checkPayloads(host);
    const parts = new Set((query.get('in') || 'key,value,headers').split(','));
    const only = query.get('partition') ? wholeOf(query, 'partition', 0) : undefined;
    const limit = Math.min(wholeOf(query, 'limit', 50), maxLimit);
    const request = { topic, only, limit, ...(text === '' ? {} : { matches: finder(text, parts) }) };
    const from = query.get('from') ?? 'latest';
    const given = placesOf(query.get('places'));
    const page =
      from === 'latest'
        ? await cluster.messages.backward(request, given)
        : await cluster.messages.forward(request, given ?? (await startOf(from, topic, only, cluster, user)));
    return {
      messages: page.messages.map(messageView(host)),
      scanned: page.scanned,
      next: page.next ? Object.fromEntries(page.next) : null,
    };
  },
} satisfies Resource;

/** Absent: the first messages. @throws GatewayError `request-invalid` */
async function startOf(
  from: string,
  topic: string,
  only: number | undefined,
  { messages, groups }: ClusterReaders,
  user: User,
): Promise<Places | undefined> {
  if (from === 'earliest') return undefined;
  const [kind, rest = ''] = [from.slice(0, from.indexOf(':')), from.slice(from.indexOf(':') + 1)];
  if (kind === 'group') {
    user.checkConsume(rest, [topic]);
    return groups.committedIn(rest, topic);
  }
  const value = wholeOf(new URLSearchParams({ from: rest }), 'from', 0);
  if (kind === 'time') return messages.placesAt(topic, value, only);
  if (kind !== 'offset')
    throw fail(
      'request-invalid',
      `from must be latest, earliest, offset:<n>, time:<ms> or group:<name>, not '${from}'`,
    );
  return new Map([...(await messages.ends(topic, only)).keys()].map((partition) => [partition, value]));
}

/** @throws GatewayError `request-invalid` */
function placesOf(text: string | null): Places | undefined {
  if (!text) return undefined;
  try {
    const entries = Object.entries(JSON.parse(text) as object).map(([partition, offset]): [number, number] => [
      Number(partition),
      offset,
    ]);
    if (entries.every((entry) => entry.every((value) => Number.isSafeInteger(value) && value >= 0)))
      return new Map(entries);
  } catch {
    // Told below.
  }
  throw fail('request-invalid', 'places must be the `next` of the page before');
}
