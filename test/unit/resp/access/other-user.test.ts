// AUTH, HELLO AUTH and RESET as somebody else: nothing of the user before may go on, for the very next command of the pipeline.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { KafkaCode } from '../../../../src/core/ports.js';
import { hashed } from '../../../support/credentials.js';
import { eventually } from '../../../support/eventually.js';
import { fault } from '../../../support/fake/fault.js';
import { encodeCommand, type RawClient, RespPair } from '../../../support/resp-pair.js';

const password = hashed('pw');
const all = { password, produce: ['*'], consume: ['*'], groups: ['*'] };

describe('a connection that speaks for another user', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'rafka-users-'));
    const users = [
      { name: 'root', ...all, admin: true },
      { name: 'app', ...all },
    ];
    writeFileSync(join(dir, 'users.json'), JSON.stringify(users));
  });
  after(() => rmSync(dir, { recursive: true }));

  async function withRoot(run: (pair: RespPair, client: RawClient) => Promise<void>, settings = {}): Promise<void> {
    const pair = await RespPair.start({ settings: { usersFile: join(dir, 'users.json'), ...settings } });
    try {
      const client = await pair.client();
      assert.equal(await client.exchange(['AUTH', 'root', 'pw']), '+OK\r\n');
      await run(pair, client);
    } finally {
      await pair.stop();
    }
  }

  const pipeline = (...commands: string[][]): string =>
    commands.map((argv) => encodeCommand(argv).toString('latin1')).join('');
  const changes: Readonly<Record<string, string[][]>> = {
    AUTH: [['AUTH', 'app', 'pw']],
    'HELLO AUTH': [['HELLO', '2', 'AUTH', 'app', 'pw']],
    RESET: [['RESET'], ['AUTH', 'app', 'pw']],
  };

  for (const [how, commands] of Object.entries(changes))
    test(`${how}: the other user acknowledged with the consumer of the one before, in the same packet`, () =>
      withRoot(async (pair, client) => {
        pair.kafka.createTopic('t', 1);
        for (const name of ['a', 'b']) await client.exchange(['RPUSHX', 'topics:t', name]);
        await client.exchange(['CLIENT', 'SETNAME', 'g:c']);
        assert.match(await client.exchange(['BLPOP', 'topics:t', '5']), /\r\n\$1\r\na\r\n/);
        const [sent] = [
          pipeline(...commands, ['CLIENT', 'GETNAME'], ['RPUSH', 'acks', 't:0:0'], ['BLPOP', 'topics:t', '5']),
        ];
        const answers = await client.exchange(sent);
        assert.match(answers, /-CONS No consumer registered for Client [^\r]+\r\n-CONS Connection not ready/);
        assert.doesNotMatch(answers, /g:c/);
        // The name is free, the consumer has left its group and nothing was acknowledged: the next one begins where it began.
        const other = await pair.client();
        await other.exchange(['AUTH', 'root', 'pw']);
        await other.exchange(['CLIENT', 'SETNAME', 'g:c']);
        assert.match(await other.exchange(['BLPOP', 'topics:t', '5']), /\r\n\$1\r\na\r\n/);
      }));

  test('a DUMP counted what the user before had in flight, and told what had failed', () =>
    withRoot(async (pair, client) => {
      pair.kafka.createTopic('t', 1);
      pair.kafka.faults.delivery = () => fault(KafkaCode.messageTimedOut, 'Local: Message timed out');
      await client.exchange(['RPUSHX', 'topics:t', 'm', 'm', 'm']);
      await eventually(10_000, () => pair.stats.get('producer.delivery.errors') === 3);
      assert.equal(await client.exchange(pipeline(['AUTH', 'app', 'pw'], ['DUMP', '100'])), '+OK\r\n:0\r\n');
      pair.kafka.faults.delivery = undefined;
      pair.kafka.faults.stalled = true;
      assert.equal(await client.exchange(['RPUSHX', 'topics:t', 'm', 'm']), ':2\r\n');
      client.send(pipeline(['AUTH', 'root', 'pw'], ['DUMP', '100']));
      await eventually(10_000, () => [...pair.server.clients()][0]?.user.name === 'root');
      pair.kafka.unstall();
      // What this user lost before is told to this user.
      await client.take('+OK\r\n:3\r\n');
      assert.equal(pair.kafka.watermarks('t', 0).high, 2);
    }));

  test('MONITOR showed commands to a user who is no admin', () =>
    withRoot(async (pair, client) => {
      assert.equal(await client.exchange(['MONITOR']), '+OK\r\n');
      await client.exchange(['AUTH', 'app', 'pw']);
      const other = await pair.client();
      await other.exchange(['AUTH', 'root', 'pw']);
      await other.exchange(['PING', 'seen by root alone']);
      assert.doesNotMatch(await client.exchange(['PING']), /seen/);
      assert.deepEqual(
        [...pair.server.clients()].map(({ status }) => status.isMonitor),
        [false, false],
      );
    }));

  test('subscriptions went on', () =>
    withRoot(async (pair, client) => {
      pair.kafka.createTopic('news', 1);
      await client.exchange(['HELLO', '3']);
      assert.match(await client.exchange(['SUBSCRIBE', 'news']), /subscribe/);
      assert.match(await client.exchange(['PSUBSCRIBE', 'n*']), /psubscribe/);
      await client.exchange(['AUTH', 'app', 'pw']);
      const other = await pair.client();
      await other.exchange(['HELLO', '3', 'AUTH', 'root', 'pw']);
      await other.exchange(['SUBSCRIBE', 'news']);
      await (await pair.client()).exchange(pipeline(['AUTH', 'root', 'pw'], ['PUBLISH', 'news', 'for root alone']));
      await other.until(() => other.received.includes('for root alone'));
      assert.doesNotMatch(await client.exchange(['PING']), /root alone/);
    }));

  test('what was popped from a list was acknowledged by the other user’s next pop', () =>
    withRoot(
      async (pair, client) => {
        const { streams } = pair.server.gateway;
        await client.exchange(['RPUSH', 'q', 'one']);
        await client.exchange(['RPUSH', 'other', 'two']);
        assert.match(await client.exchange(['BLPOP', 'q', '5']), /one/);
        assert.equal([...streams.groups][0]?.pending, 1);
        assert.match(await client.exchange(pipeline(['AUTH', 'app', 'pw'], ['BLPOP', 'other', '5'])), /two/);
        assert.match(await client.exchange(['BLPOP', 'q', '5']), /one/);
      },
      { streams: { plainLists: true, partitions: 1 } },
    ));

  test('as the same user, and with a wrong password, everything goes on', () =>
    withRoot(async (pair, client) => {
      pair.kafka.createTopic('t', 1);
      await client.exchange(['RPUSHX', 'topics:t', 'm']);
      await client.exchange(['CLIENT', 'SETNAME', 'g:c']);
      await client.exchange(['BLPOP', 'topics:t', '5']);
      assert.match(await client.exchange(['AUTH', 'app', 'wrong']), /^-WRONGPASS/);
      assert.equal(await client.exchange(['AUTH', 'root', 'pw']), '+OK\r\n');
      assert.match(await client.exchange(['HELLO', '2', 'AUTH', 'root', 'pw', 'SETNAME', 'g:c']), /redis/);
      assert.equal(await client.exchange(['RPUSH', 'acks', 't:0:0']), ':1\r\n');
    }));
});
