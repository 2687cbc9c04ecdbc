// Users whose rights change while they are connected: what they may not do any more ends, whatever it began with.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { hashed } from '../../../support/credentials.js';
import { eventually } from '../../../support/eventually.js';
import { type RawClient, RespPair } from '../../../support/resp-pair.js';

const all = { password: hashed('pw'), produce: ['*'], consume: ['*'], groups: ['*'], admin: true };
const app = { name: 'app', ...all };
const root = { name: 'root', ...all };
const key = 'topics:t:{"auto.offset.reset":"earliest"}';

describe('rights that are taken away under way', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-users-'));
  const usersFile = join(dir, 'users.json');
  after(() => rmSync(dir, { recursive: true }));

  interface Scene {
    readonly pair: RespPair;
    readonly root: RawClient;
    /** @param user app unless given */
    readonly open: (user?: string) => Promise<RawClient>;
    /** SIGHUP with another entry for app; undefined: app is gone. */
    readonly change: (entry: object | undefined) => void;
  }

  async function play(run: (scene: Scene) => Promise<void>): Promise<void> {
    writeFileSync(usersFile, JSON.stringify([app, root]));
    const pair = await RespPair.start({ settings: { usersFile, streams: { plainLists: true } } });
    try {
      pair.kafka.createTopic('t', 1);
      for (const value of ['one', 'two', 'three']) pair.kafka.seed('t', 0, value);
      const open = async (user = 'app'): Promise<RawClient> => {
        const client = await pair.client();
        assert.equal(await client.exchange(['AUTH', user, 'pw']), '+OK\r\n');
        return client;
      };
      const change = (entry: object | undefined): void => {
        const entries = JSON.stringify(entry ? [{ ...app, ...entry }, root] : [root]);
        pair.server.users.reload({ usersFile }, () => entries);
        pair.server.reload();
      };
      await run({ pair, root: await open('root'), open, change });
    } finally {
      await pair.stop();
    }
  }

  const waits = ({ pair }: Scene) =>
    eventually(10_000, () => [...pair.server.clients()].some(({ status }) => status.isWaiting));

  for (const [what, entry] of [
    ['its topic', { consume: ['other'] }],
    ['its group', { groups: ['other'] }],
    ['everything: the user is gone', undefined],
  ] as const)
    test(`a consumer loses ${what}: it ends, and its messages go to others`, () =>
      play(async ({ open, change, root, pair }) => {
        const client = await open();
        await client.exchange(['CLIENT', 'SETNAME', 'g:c']);
        assert.match(await client.exchange(['BLPOP', key, '5']), /one\r\n$/);
        change(entry);
        await client.closed();
        await eventually(10_000, () => pair.kafka.consumers.size === 0);
        await root.exchange(['CLIENT', 'SETNAME', 'g:d']);
        assert.match(await root.exchange(['BLPOP', key, '5']), /one\r\n$/);
      }));

  test('a BLPOP that waits gets nothing of what comes then', () =>
    play(async (scene) => {
      const client = await scene.open();
      await client.exchange(['CLIENT', 'SETNAME', 'g:c']);
      client.send(['BLPOP', 'topics:t:{"auto.offset.reset":"latest"}', '60']);
      await eventually(10_000, () => scene.pair.kafka.consumers.size === 1);
      await waits(scene);
      scene.change({ consume: ['other'] });
      await scene.root.exchange(['RPUSHX', 'topics:t', 'secret']);
      await client.closed();
      assert.doesNotMatch(client.received, /secret/);
    }));

  for (const command of [
    ['XREAD', 'BLOCK', '0', 'STREAMS', 't', '$'],
    ['XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', '0', 'STREAMS', 't', '>'],
    ['BLPOP', 'list', '0'],
  ])
    test(`${command[0]} ${command.includes('STREAMS') ? '' : 'of a list '}that waits answers nothing; the next one is refused`, () =>
      play(async (scene) => {
        await scene.root.exchange(['XGROUP', 'CREATE', 't', 'g', '$']);
        const client = await scene.open();
        client.send(command);
        await waits(scene);
        scene.change({ consume: ['other'], groups: ['other'] });
        await client.take('*-1\r\n');
        assert.match(await client.exchange(command), /^-NOPERM/);
      }));

  test('SUBSCRIBE and MONITOR end', () =>
    play(async ({ open, change, root }) => {
      const [subscriber, monitor] = [await open(), await open()];
      assert.match(await subscriber.exchange(['HELLO', '3']), /proto/);
      assert.match(await subscriber.exchange(['SUBSCRIBE', 't']), /subscribe/);
      assert.equal(await monitor.exchange(['MONITOR']), '+OK\r\n');
      change({ consume: ['other'], admin: false });
      await root.exchange(['PUBLISH', 't', 'secret']);
      await Promise.all([subscriber.closed(), monitor.closed()]);
      for (const { received } of [subscriber, monitor]) assert.doesNotMatch(received, /secret/);
    }));

  test('PSUBSCRIBE goes on without the topic', () =>
    play(async ({ open, change, root, pair }) => {
      pair.kafka.createTopic('mine', 1);
      const client = await open();
      await client.exchange(['HELLO', '3']);
      assert.match(await client.exchange(['PSUBSCRIBE', '*']), /psubscribe/);
      change({ consume: ['mine'], groups: ['*'] });
      await root.exchange(['PUBLISH', 't', 'secret']);
      await root.exchange(['PUBLISH', 'mine', 'shown']);
      await client.until(() => client.received.includes('shown'));
      assert.doesNotMatch(client.received, /secret/);
    }));

  test('what a user may still do goes on, and so does what others do', () =>
    play(async ({ open, change, root, pair }) => {
      const client = await open();
      await client.exchange(['CLIENT', 'SETNAME', 'g:c']);
      assert.match(await client.exchange(['BLPOP', key, '5']), /one\r\n$/);
      root.send(['XREAD', 'BLOCK', '0', 'STREAMS', 't', '$']);
      await eventually(10_000, () => [...pair.server.clients()].some(({ status }) => status.isWaiting));
      change({ consume: ['t'], groups: ['g'], admin: false });
      assert.equal(await client.exchange(['RPUSH', 'acks', 't:0:0']), ':1\r\n');
      assert.match(await client.exchange(['BLPOP', key, '5']), /two\r\n$/);
      await client.exchange(['RPUSHX', 'topics:t', 'four']);
      await root.until(() => root.received.includes('four'));
    }));
});
