// A short run of the fuzz program: no bug is logged, others are answered, nothing is left behind. A long run: `node build/test/fuzz/resp.js`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RespPair } from '../support/resp-pair.js';
import { hammer } from './hammer.js';

test('random and mutated frames do no harm', async () => {
  const bugs: string[] = [];
  const pair = await RespPair.start({
    settings: { producerFlushMs: 10, consumerCloseMs: 100 },
    onError: (line) => bugs.push(line),
  });
  try {
    const names = [...pair.server.commands.all()].map(({ fullName }) => fullName.split('|'));
    const probe = await pair.client();
    const runs = [1, 2, 3, 4].map((seed) => hammer({ port: pair.server.port, seed, frames: 3000, names }));
    const done = Promise.all(runs).then(() => 'done');
    // CLIENT KILL is among the commands: the probe may be hit as well.
    const asking = async (): Promise<string> => {
      for (;;) {
        const client = probe.isClosed ? await pair.client() : probe;
        if (!client.isClosed) await client.exchange(['PING']);
        if ((await Promise.race([done, Promise.resolve('')])) === 'done') return 'done';
      }
    };
    await asking();
    assert.equal(await (await pair.client()).exchange(['PING']), '+PONG\r\n');
    assert.deepEqual(bugs, []);
  } finally {
    await pair.stop();
  }
  while (pair.server.clientCount > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(pair.server.budget.total, 0);
});
