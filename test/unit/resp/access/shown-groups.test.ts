// XINFO shows a user the groups that the user may use, as GET /topics/<topic>/consumers does, and no others.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hashed } from '../../../support/credentials.js';
import { RespPair } from '../../../support/resp-pair.js';

describe('groups of a stream', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-users-'));
  let pair: RespPair;
  before(async () => {
    const common = { password: hashed('pw'), produce: ['*'], consume: ['*'] };
    const users = [
      { name: 'root', ...common, groups: ['*'], admin: true },
      { name: 'app', ...common, groups: ['app', 'mine'] },
      { name: 'kafka', ...common, groups: ['kafka', 'secret.s'] },
    ];
    writeFileSync(join(dir, 'users.json'), JSON.stringify(users));
    pair = await RespPair.start({ settings: { usersFile: join(dir, 'users.json') } });
    const root = await as('root');
    await root.exchange(['XADD', 's', '*', 'value', 'one']);
    for (const group of ['mine', 'secret']) await root.exchange(['XGROUP', 'CREATE', 's', group, '0']);
    for (const group of ['mine', 'secret'])
      await root.exchange(['XREADGROUP', 'GROUP', group, `of-${group}`, 'BLOCK', '9000', 'STREAMS', 's', '>']);
  });
  after(async () => {
    await pair.stop();
    rmSync(dir, { recursive: true });
  });

  async function as(user: string) {
    const client = await pair.client();
    assert.equal(await client.exchange(['AUTH', user, 'pw']), '+OK\r\n');
    return client;
  }

  for (const [user, shown] of [
    ['root', ['mine', 'secret']],
    ['app', ['mine']],
    ['kafka', ['secret']],
  ] as const)
    test(`${user} is shown ${shown.join(' and ')}`, async () => {
      const client = await as(user);
      for (const argv of [
        ['XINFO', 'GROUPS', 's'],
        ['XINFO', 'STREAM', 's', 'FULL'],
      ]) {
        const answer = await client.exchange(argv);
        for (const group of ['mine', 'secret']) {
          const isShown = (shown as readonly string[]).includes(group);
          assert.equal(answer.includes(`\r\n${group}\r\n`), isShown, answer);
        }
        if (argv.at(-1) === 'FULL')
          assert.equal(answer.includes('of-secret'), (shown as readonly string[]).includes('secret'));
      }
      assert.match(await client.exchange(['XINFO', 'STREAM', 's']), new RegExp(`groups\\r\\n:${shown.length}\\r\\n`));
    });

  test('the members of a group are refused to whom may not use it', async () => {
    const client = await as('app');
    assert.match(await client.exchange(['XINFO', 'CONSUMERS', 's', 'secret']), /^-NOPERM/);
  });
});
