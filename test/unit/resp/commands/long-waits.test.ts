// Commands that may wait for longer than a timer of Node can be: they wait, where they would have answered at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../support/eventually.js';
import { RespPair } from '../../../support/resp-pair.js';

test('BLPOP, XREAD and XREADGROUP wait for months when they are told to, and get what comes', async () => {
  const pair = await RespPair.start({ settings: { streams: { plainLists: true } } });
  try {
    pair.kafka.createTopic('t', 1);
    const setUp = await pair.client();
    assert.equal(await setUp.exchange(['XGROUP', 'CREATE', 't', 'g', '$']), '+OK\r\n');
    const waits = [
      ['BLPOP', 'topics:t', '3000000000'],
      ['BLPOP', 'topics:t', '9007199254740991'],
      ['BLPOP', 't', '3000000'],
      ['XREAD', 'BLOCK', '3000000000', 'STREAMS', 't', '$'],
      ['XREADGROUP', 'GROUP', 'g', 'm', 'BLOCK', '9007199254740991', 'STREAMS', 't', '>'],
    ];
    const clients = await Promise.all(
      waits.map(async (wait, index) => {
        const client = await pair.client();
        await client.exchange(['CLIENT', 'SETNAME', `group${index}:c`]);
        client.send(wait);
        return client;
      }),
    );
    const waiting = (): number => [...pair.server.clients()].filter(({ status }) => status.isWaiting).length;
    await eventually(10_000, () => waiting() === waits.length);
    await eventually(10_000, () => [...pair.kafka.consumers].length >= waits.length);
    assert.deepEqual(
      clients.map(({ received }) => received),
      waits.map(() => ''),
    );
    await eventually(10_000, () => {
      pair.kafka.seed('t', 0, 'the message');
      return clients.every(({ received }) => received.includes('the message'));
    });
  } finally {
    await pair.stop();
  }
});
