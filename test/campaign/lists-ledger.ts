// The lists' ledger: what RPUSH has answered (or a DUMP of 0 covers) must arrive, and what was popped long enough before the next
// pop must not come again, while one of two gateways is killed again and again. Plain lists, or pair replies on Rafka's own keys.
// node build/test/campaign/lists-ledger.js [--dialect lists|pairs] [--ids 20000] [--kills 10]
import { commitIntervalMs, type Dialect, ledgerTopic as list, type Reader, runByHand } from './two-gateways.js';

const makeTopic = ['XGROUP', 'CREATE', list, 'other', '$', 'MKSTREAM'] as const;

/** Pops again and again: what a pop answers is acknowledged when the next one has been answered. */
function popping(pop: () => Promise<string[]>, reader: Reader): () => Promise<void> {
  let held: string[] = [];
  return async () => {
    const popped = await pop();
    for (const value of held) reader.acked(value);
    for (const value of popped) reader.delivered(value);
    held = popped;
  };
}

/** One consumer of a gateway takes one by one, the other ten at a time. */
export const lists: Dialect = {
  config: { resp: { streams: { plainLists: true, commitIntervalMs, sessionTimeoutMs: 6_000 } } },
  prepare: (client) => client.call(...makeTopic),
  send: (client, values) =>
    Promise.all(
      values.map((value) =>
        client.call('RPUSH', list, value).then(
          () => true,
          () => false,
        ),
      ),
    ),
  async consumer(client, name, reader) {
    const one = async () => ((await client.call('BLPOP', list, '0.5')) as [string, string] | null)?.slice(1) ?? [];
    const many = async () =>
      ((await client.call('BLMPOP', '0.5', '1', list, 'LEFT', 'COUNT', '10')) as [string, string[]] | null)?.[1] ?? [];
    return popping(name === 'c0' ? one : many, reader);
  },
};

export const pairs: Dialect = {
  byInterval: true,
  config: {
    consumer: {
      'auto.offset.reset': 'earliest',
      'session.timeout.ms': 6_000,
      'auto.commit.interval.ms': commitIntervalMs,
    },
  },
  prepare: (client) => client.call(...makeTopic),
  async send(client, values) {
    const queued = values.map((value) => client.call('RPUSHX', `topics:${list}`, value));
    await Promise.all(queued);
    const isCovered = (await client.call('DUMP', '15000')) === 0;
    return values.map(() => isCovered);
  },
  async consumer(client, name, reader) {
    await client.call('CLIENT', 'SETNAME', `g:${name}`);
    const key = `topics:${list}:{"rafka.reply":"pair"}`;
    return popping(
      async () => ((await client.call('BLPOP', key, '0.5')) as [string, string] | null)?.slice(1) ?? [],
      reader,
    );
  },
};

if (process.argv[1] === import.meta.filename) await runByHand({ lists, pairs });
