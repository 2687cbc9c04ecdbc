// GET /streams, GET /streams/{topic} and what an admin does to pending entries and dead letters. All by commands of Redis clients.
import type { User } from '../../../../core/access/user.js';
import { fail } from '../../../../errors.js';
import { type ConsoleHost, clusterOf } from '../../host.js';
import { pageOf, wholeOf } from '../../paging.js';
import { RedisLink } from '../../redis/link.js';
import type { RedisReply } from '../../redis/reply.js';
import { pagingParameters, type Resource } from '../../resource.js';
import { sendOne } from '../produce.js';
import { checkSee } from '../topic.js';
import { maySee } from '../topics.js';
import { respOf } from './clients.js';

const deadLetters = (topic: string): string => `${topic}.dlq`;
/** Pending entries listed of each group. */
const mostPending = '100';
/** Reads of Kafka behind a command, ms. */
const timeoutMs = 20_000;

/** Runs commands as the user, on a connection of their own. */
async function asUser<T>(host: ConsoleHost, user: User, run: (link: RedisLink) => Promise<T>): Promise<T> {
  const { open } = respOf(host);
  if (!open) throw fail('request-invalid', 'with --workers use redis-cli');
  const link = new RedisLink(open(user));
  const cancel = host.clock.after(timeoutMs, () => link.close());
  try {
    return await run(link);
  } finally {
    cancel();
    link.close();
  }
}

/** @throws GatewayError for a reply that is an error */
function wanted(reply: RedisReply): RedisReply {
  if (reply.kind !== 'error') return reply;
  if (reply.text.startsWith('NOPERM ')) throw fail('not-permitted', reply.text.slice(7));
  throw fail('request-invalid', reply.text);
}

const numberOf = (reply: RedisReply | undefined): number | null => (reply?.kind === 'integer' ? reply.value : null);
const textOf = (reply: RedisReply | undefined): string => (reply?.kind === 'bulk' ? reply.bytes.toString() : '');
const itemsOf = (reply: RedisReply | undefined): readonly RedisReply[] => (reply?.kind === 'array' ? reply.items : []);

function fieldsOf(reply: RedisReply): ReadonlyMap<string, RedisReply> {
  const items = itemsOf(reply);
  return new Map(items.flatMap((item, index) => (index % 2 === 0 ? [[textOf(item), items[index + 1]!] as const] : [])));
}

export const streams = {
  name: 'consoleStreams',
  method: 'GET',
  path: '/streams',
  summary:
    'One page of topics as streams, lists and channels: entries, list length, subscribers, dead letters. null: unknown',
  parameters: pagingParameters,
  errors: { 400: 'A bad parameter, or no Redis clients are served', 500: 'Kafka refused' },
  async run({ user, query }, host) {
    const cluster = clusterOf(host, query);
    const all = (await cluster.topics.all()).map(({ name }) => name).filter((name) => maySee(user, name, host));
    const known = new Set(all);
    const { rows, ...page } = pageOf(
      all.filter((name) => !(name.endsWith('.dlq') && known.has(name.slice(0, -4)))),
      query,
    );
    const dead = rows.map(deadLetters).filter((name) => known.has(name));
    const [topics, letters, counts] = await Promise.all([
      cluster.topics.rows(rows),
      cluster.topics.rows(dead),
      asUser(host, user, (link) => countsOf(link, rows)),
    ]);
    const messages = new Map([...topics, ...letters].map((row) => [row.name, row.messages]));
    return {
      ...page,
      rows: rows.map((name, index) => ({
        name,
        messages: messages.get(name) ?? null,
        listLength: counts.lengths[index] ?? null,
        subscribers: counts.subscribers[index] ?? null,
        deadLetters: known.has(deadLetters(name)) ? (messages.get(deadLetters(name)) ?? null) : 0,
      })),
      patterns: counts.patterns,
    };
  },
} satisfies Resource;

async function countsOf(link: RedisLink, names: readonly string[]) {
  const [numsub, numpat, ...lengths] = await Promise.all([
    link.call('PUBSUB', 'NUMSUB', ...names),
    link.call('PUBSUB', 'NUMPAT'),
    ...names.map((name) => link.call('LLEN', name)),
  ]);
  const subscribers = itemsOf(numsub).filter((_, index) => index % 2 === 1);
  return { subscribers: subscribers.map(numberOf), patterns: numberOf(numpat), lengths: lengths.map(numberOf) };
}

export const stream = {
  name: 'consoleStream',
  method: 'GET',
  path: '/streams/{topic}',
  summary: 'One stream: its groups, their consumers, and up to 100 pending entries of each, as this gateway reads them',
  errors: { 400: 'Unknown topic, or no Redis clients are served', 500: 'Kafka refused' },
  async run({ user, path, query }, host) {
    const topic = path.topic!;
    checkSee(user, topic, host);
    const now = host.clock.now();
    const full = await asUser(host, user, (link) => link.call('XINFO', 'STREAM', topic, 'FULL', 'COUNT', mostPending));
    const fields = fieldsOf(wanted(full));
    const { topics } = clusterOf(host, query);
    const letters = (await topics.all()).some(({ name }) => name === deadLetters(topic))
      ? (await topics.rows([deadLetters(topic)]))[0]
      : undefined;
    return {
      topic,
      length: numberOf(fields.get('length')),
      lastId: textOf(fields.get('last-generated-id')),
      deadLetters: letters ? { topic: letters.name, messages: letters.messages } : null,
      groups: itemsOf(fields.get('groups')).map((group) => groupOf(fieldsOf(group), now)),
    };
  },
} satisfies Resource;

function groupOf(fields: ReadonlyMap<string, RedisReply>, now: number): object {
  const since = (reply: RedisReply | undefined): number | null => {
    const at = numberOf(reply);
    return at === null || at < 0 ? null : Math.max(0, now - at);
  };
  // A group that only another gateway reads has its pending entries there.
  const isReadHere = fields.get('entries-read')?.kind === 'integer' || itemsOf(fields.get('consumers')).length > 0;
  return {
    name: textOf(fields.get('name')),
    lag: numberOf(fields.get('lag')),
    pending: isReadHere ? numberOf(fields.get('pel-count')) : null,
    lastDeliveredId: textOf(fields.get('last-delivered-id')),
    consumers: itemsOf(fields.get('consumers'))
      .map(fieldsOf)
      .map((consumer) => ({
        name: textOf(consumer.get('name')),
        pending: numberOf(consumer.get('pel-count')),
        idleMs: since(consumer.get('seen-time')),
      })),
    entries: itemsOf(fields.get('pending')).map((entry) => {
      const [id, consumer, at, deliveries] = itemsOf(entry);
      return { id: textOf(id), consumer: textOf(consumer), idleMs: since(at), deliveries: numberOf(deliveries) };
    }),
  };
}

const acts = ['acknowledge', 'claim', 'redeliver'] as const;
/** An entry that is to be redelivered counts as idle for so long, ms. */
const longIdleMs = 86_400_000;

export const pendingAct = {
  name: 'consolePending',
  method: 'POST',
  path: '/streams/{topic}/groups/{group}/pending',
  isAction: true,
  summary:
    'Acknowledges a pending entry (XACK), moves it to a consumer (XCLAIM), or lets the next XAUTOCLAIM take it (XCLAIM IDLE)',
  body: {
    type: 'object',
    required: ['act', 'id'],
    properties: {
      act: { type: 'string', enum: acts },
      id: { type: 'string' },
      consumer: { type: 'string', description: 'Who gets it; for redeliver who has it' },
    },
  },
  errors: { 400: 'A bad body' },
  async run({ user, path, body }, host) {
    const [topic, group] = [path.topic!, path.group!];
    const { id, consumer } = body;
    const act = acts.find((each) => each === body.act);
    if (!act) throw fail('request-invalid', `act must be one of ${acts.join(', ')}`);
    if (typeof id !== 'string' || !/^\d+-\d+$/.test(id)) throw fail('request-invalid', 'id must be that of an entry');
    if (act !== 'acknowledge' && (typeof consumer !== 'string' || consumer === ''))
      throw fail('request-invalid', 'consumer must be a name');
    const words =
      act === 'acknowledge'
        ? ['XACK', topic, group, id]
        : [
            'XCLAIM',
            topic,
            group,
            String(consumer),
            '0',
            id,
            ...(act === 'claim' ? [] : ['IDLE', String(longIdleMs)]),
            'JUSTID',
          ];
    const reply = wanted(await asUser(host, user, (link) => link.call(...words)));
    const done = reply.kind === 'integer' ? reply.value : itemsOf(reply).length;
    host.log.warn({ user: user.name, topic, group, act, id }, 'a pending entry was changed in the console');
    return { done };
  },
} satisfies Resource;

export const redeliver = {
  name: 'consoleDeadLetter',
  method: 'POST',
  path: '/streams/{topic}/dead-letters',
  isAction: true,
  summary: 'Appends a dead letter to its stream again. The dead letter stays where it is',
  body: {
    type: 'object',
    required: ['partition', 'offset'],
    properties: { partition: { type: 'integer' }, offset: { type: 'integer' } },
  },
  errors: { 400: 'A bad body, or no message there', 503: 'Kafka does not answer' },
  async run({ user, path, query, body }, host) {
    const topic = path.topic!;
    const from = deadLetters(topic);
    user.checkProduce(topic);
    user.checkConsume(user.name, [from]);
    const place = new URLSearchParams({ partition: String(body.partition), offset: String(body.offset) });
    const [partition, offset] = [wholeOf(place, 'partition', 0), wholeOf(place, 'offset', 0)];
    const { messages, kafka } = clusterOf(host, query);
    const page = await messages.forward({ topic: from, only: partition, limit: 1 }, new Map([[partition, offset]]));
    const message = page.messages.find((each) => each.offset === offset);
    if (!message) throw fail('request-invalid', `${from} has no message at ${partition}:${offset}`);
    const { key, value } = message;
    const headers = message.headers.filter((header) => !header.key.startsWith('dlq.'));
    return sendOne(kafka, { topic, key, value, headers });
  },
} satisfies Resource;
