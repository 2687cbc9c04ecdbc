// The streams' ledger: what XADD has answered must arrive, and what XACK has answered long enough ago must not come again,
// while one of two gateways is killed again and again.
// node build/test/campaign/streams-ledger.js [--ids 20000] [--kills 10] [--dialect latest] [--nodes 3] [--troubles]
import { troubles } from './streams-events.js';
import { commitIntervalMs, type Dialect, runByHand, ledgerTopic as stream } from './two-gateways.js';

const settings = { commitIntervalMs, sessionTimeoutMs: 6_000, pendingTimeoutMs: 1_000, allowDelete: true };

export const streams: Dialect = {
  config: { resp: { streams: settings } },

  prepare: (client) => client.call('XGROUP', 'CREATE', stream, 'g', '0', 'MKSTREAM'),

  send: (client, values) =>
    Promise.all(
      values.map((value) =>
        client.call('XADD', stream, '*', 'value', value).then(
          () => true,
          () => false,
        ),
      ),
    ),

  async consumer(client, name, reader) {
    const args = ['GROUP', 'g', name, 'COUNT', '50', 'BLOCK', '500', 'STREAMS', stream, '>'];
    return async () => {
      const reply = (await client.call('XREADGROUP', ...args)) as [string, [string, string[]][]][] | null;
      const entries = reply?.[0]?.[1] ?? [];
      for (const [, fields] of entries) reader.delivered(fields[1]!);
      for (const [id, fields] of entries)
        if ((await client.call('XACK', stream, 'g', id)) === 1) reader.acked(fields[1]!);
    };
  },
};

/** The group begins at the end of the empty stream. */
const latest: Dialect = {
  ...streams,
  prepare: (client) => client.call('XGROUP', 'CREATE', stream, 'g', '$', 'MKSTREAM'),
};

if (process.argv[1] === import.meta.filename) await runByHand({ streams, latest }, troubles);
