// Replies count against the memory of all clients before they are made: a command that would go over it fails, and the server lives.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryBudget, Reservation, type Spender } from '../../../../src/core/memory/memory-budget.js';
import { Encoder } from '../../../../src/resp/wire/encoder.js';
import { eventually } from '../../../support/eventually.js';
import { RespPair } from '../../../support/resp-pair.js';

const tooMuch = /^-OOM requests and replies of all clients take \d+ bytes at most/;

async function withPair(queryBufferBytes: number, body: (pair: RespPair) => Promise<void>): Promise<void> {
  const pair = await RespPair.start({ settings: { queryBufferBytes, streams: { plainLists: true } } });
  try {
    await body(pair);
  } finally {
    await pair.stop();
  }
}

/** A stream of entries of 1 KB. */
async function fill(pair: RespPair, key: string, entries: number): Promise<void> {
  const client = await pair.client();
  for (let i = 0; i < entries; i++)
    assert.match(await client.exchange(['XADD', key, '*', 'f', 'x'.repeat(1_000)]), /^\$/);
  client.close();
}

describe('the memory of all clients', () => {
  test('a reservation over the limit is refused and takes nothing; what waits already is evicted, reservations are not', () => {
    const budget = new MemoryBudget(100);
    const [one, other] = [new Reservation(budget), new Reservation(budget)];
    one.take(60);
    assert.throws(() => other.take(50), { code: 'memory-limit' });
    other.take(40);
    assert.equal(budget.left, 0);
    one.release();
    one.release();
    assert.equal(budget.total, 40);
    const spender: Spender & { evicted: boolean } = {
      heldBytes: 61,
      evicted: false,
      evict() {
        this.evicted = true;
      },
    };
    budget.settle(spender);
    assert.deepEqual([spender.evicted, budget.total], [true, 40]);
  });

  test('XREAD of one stream a hundred times fails before its reply is made, and a smaller one is answered', () =>
    withPair(1_000_000, async (pair) => {
      await fill(pair, 's', 100);
      const client = await pair.client();
      const keys = Array.from({ length: 100 }, () => 's');
      const ids = keys.map(() => '0');
      assert.match(await client.exchange(['XREAD', 'COUNT', '100', 'STREAMS', ...keys, ...ids]), tooMuch);
      assert.match(
        await client.exchange(['XREAD', 'COUNT', '100', 'STREAMS', 's', '0']),
        /^\*1\r\n\*2\r\n\$1\r\ns\r\n\*100\r\n/,
      );
      assert.match(await client.exchange(['XRANGE', 's', '-', '+']), /^\*100\r\n/);
      client.close();
      await eventually(5_000, () => pair.server.budget.total === 0);
    }));

  test('what XREADGROUP and LPOP can not answer goes to whoever asks for less', () =>
    withPair(250_000, async (pair) => {
      await fill(pair, 'g', 100);
      await fill(pair, 'l', 100);
      const client = await pair.client();
      assert.equal(await client.exchange(['XGROUP', 'CREATE', 'g', 'team', '0']), '+OK\r\n');
      const read = (count: string) =>
        client.exchange(['XREADGROUP', 'GROUP', 'team', 'me', 'COUNT', count, 'BLOCK', '5000', 'STREAMS', 'g', '>']);
      const hog = new Reservation(pair.server.budget);
      assert.match(await read('1'), /^\*1\r\n/);
      hog.take(200_000);
      await eventually(5_000, async () => tooMuch.test(await read('50')));
      hog.release();
      assert.match(await read('100'), /^\*1\r\n/);
      const pending = await client.exchange(['XPENDING', 'g', 'team', '-', '+', '1000']);
      assert.doesNotMatch(pending, /:[2-9]\r\n$/m, 'what never left counts as no delivery');

      assert.match(await client.exchange(['LPOP', 'l']), /^\$1000\r\n/);
      hog.take(245_000);
      await eventually(5_000, async () => tooMuch.test(await client.exchange(['LPOP', 'l', '50'])));
      hog.release();
      let popped = 1;
      await eventually(5_000, async () => {
        popped += (await client.exchange(['LPOP', 'l', '10'])).match(/\$1000\r\n/g)?.length ?? 0;
        return popped === 100;
      });
    }));

  test('a reply whose parts are small and many is cut short before it is written out', () => {
    const encoder = new Encoder();
    encoder.append('before', 2);
    const large = Buffer.alloc(3_000, 'x');
    assert.equal(
      encoder.appendWithin(
        Array.from({ length: 1_000 }, () => [large, 1]),
        2,
        1_000_000,
      ),
      false,
    );
    assert.equal(encoder.appendWithin([large, large], 2, 1_000_000), true);
    const pieces: Buffer[] = [];
    encoder.moveTo(pieces);
    const value = `$3000\r\n${large}\r\n`;
    assert.equal(Buffer.concat(pieces).toString(), `$6\r\nbefore\r\n*2\r\n${value}${value}`);
  });

  test('COMMAND INFO and DOCS of one command a hundred thousand times describe it once; CONFIG GET and CLIENT LIST say each thing once', () =>
    withPair(300_000_000, async (pair) => {
      const client = await pair.client();
      const many = (word: string): string[] => Array.from({ length: 100_000 }, () => word);
      const docs = await client.exchange(['COMMAND', 'DOCS', ...many('ping')]);
      assert.equal(docs, await client.exchange(['COMMAND', 'DOCS', 'ping']));
      assert.equal(
        await client.exchange(['CONFIG', 'GET', ...many('databases')]),
        '*2\r\n$9\r\ndatabases\r\n$1\r\n1\r\n',
      );
      const id = (await client.exchange(['CLIENT', 'ID'])).slice(1, -2);
      assert.equal((await client.exchange(['CLIENT', 'LIST', 'ID', ...many(id)])).match(/id=/g)?.length, 1);
    }));

  test('a command of more arguments than the limit holds fails', () =>
    withPair(1_000_000, async (pair) => {
      const client = await pair.client();
      assert.match(await client.exchange(['COMMAND', 'INFO', ...Array.from({ length: 10_000 }, () => 'x')]), tooMuch);
      assert.equal(await client.exchange(['PING']), '+PONG\r\n');
    }));

  test('replies that many slow clients do not read count: the one with most of them is closed', () =>
    withPair(8_000_000, async (pair) => {
      const slow = await Promise.all(Array.from({ length: 4 }, () => pair.client()));
      const text = 'x'.repeat(3_500_000);
      for (const client of slow) {
        client.socket.pause();
        client.send(['ECHO', text]);
      }
      await eventually(10_000, () => pair.server.clientCount < 4);
      assert.ok(pair.server.budget.total <= 8_000_000);
      assert.equal(await (await pair.client()).exchange(['PING']), '+PONG\r\n');
    }));
});
