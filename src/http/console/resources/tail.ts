// The stream /topics/{topic}/tail: new messages as they come.
import type { Message } from '../../../core/ports.js';
import { clusterOf } from '../host.js';
import { wholeOf } from '../paging.js';
import type { Stream } from '../resource.js';
import { checkPayloads, finder, messageView } from './message-view.js';
import { checkSee } from './topic.js';

/** Interval of looks, ms. */
const everyMs = 1_000;
/** Messages shown of one look; the newest ones. */
const most = 100;

export const tail = {
  name: 'consoleTail',
  path: '/topics/{topic}/tail',
  summary:
    'Server-sent events: `messages`, as they come. Of many at once the newest are sent, and how many are left out',
  parameters: [
    { name: 'partition', description: 'Only this one', type: 'integer' },
    { name: 'q', description: 'Only messages that hold this text', type: 'string' },
    { name: 'in', description: 'Where to search: `key,value,headers`', type: 'string' },
  ],
  errors: { 404: 'Unknown topic', 503: 'Kafka does not answer' },
  async stream({ user, query, path, signal }, host, send) {
    const topic = path.topic!;
    checkSee(user, topic, host);
    user.checkConsume(user.name, [topic]);
    const { messages } = clusterOf(host, query);
    const only = query.get('partition') ? wholeOf(query, 'partition', 0) : undefined;
    const text = query.get('q') ?? '';
    if (text !== '') checkPayloads(host);
    const matches =
      text === '' ? undefined : finder(text, new Set((query.get('in') || 'key,value,headers').split(',')));
    const view = messageView(host);
    let last = await messages.ends(topic, only);
    send('begun', { places: Object.fromEntries(last) });
    while (!signal.aborted) {
      await new Promise<void>((resolve) => {
        const cancel = host.clock.after(everyMs, resolve);
        signal.addEventListener('abort', () => resolve(cancel()), { once: true });
      });
      if (signal.aborted) return;
      // The user's rights may have changed meanwhile.
      user.checkConsume(user.name, [topic]);
      const ends = await messages.ends(topic, only);
      const { shown, skipped } = await newOnes(last, ends);
      last = ends;
      if (shown.length > 0 || skipped > 0) send('messages', { messages: shown.map(view), skipped });
    }

    /** What has come since the last look. */
    async function newOnes(before: ReadonlyMap<number, number>, ends: ReadonlyMap<number, number>) {
      let come = 0;
      const from = new Map<number, number>();
      for (const [partition, end] of ends) {
        // A topic that was deleted and created again begins anew.
        const start = Math.min(before.get(partition) ?? 0, end);
        come += end - start;
        from.set(partition, Math.max(start, end - most));
      }
      if (come === 0) return { shown: [], skipped: 0 };
      const page = await messages.forward({ topic, only, limit: most * Math.max(1, ends.size), matches }, from);
      const shown: readonly Message[] = page.messages.slice(-most);
      return { shown, skipped: matches ? Math.max(0, come - page.scanned) : Math.max(0, come - shown.length) };
    }
  },
} satisfies Stream;
