// The Kafka group of a stream's consumer group: one for each, and the one whose rights are checked.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GroupForm } from '../../../../src/core/streams/group-form.js';
import { streamsConfig } from '../../../../src/resp/streams-config.js';
import { hashed } from '../../../support/credentials.js';
import { RespPair } from '../../../support/resp-pair.js';

test('group a.b of stream c and group a of stream b.c were one Kafka group', () => {
  const form = new GroupForm('{group}.{stream}');
  assert.equal(form.kafkaGroup('a', 'b.c'), 'a.b.c');
  assert.equal(form.kafkaGroup('a.b', 'c'), 'a%2Eb.c');
  assert.equal(form.kafkaGroup('a%2Eb', 'c'), 'a%252Eb.c');
});

test('no two groups of two streams are one Kafka group, whatever stands between', () => {
  const groups = ['a', 'a.b', 'a-b', 'a.', '.a', 'a%2Eb', '%', '..', 'a.x.b', 'x', 'ü.ü', 'a]b', 'a^b', 'a\\b'];
  const streams = ['c', 'b.c', '.c', 'c.', 'b-c', 'x.c', 'c.x', 'a', '2E'];
  for (const template of [
    '{group}.{stream}',
    '{stream}.{group}',
    'p-{group}-x-{stream}.s',
    '{stream}:x.{group}.',
    '{group}^]\\{stream}',
  ]) {
    const form = new GroupForm(template);
    const seen = new Map<string, string>();
    for (const group of groups)
      for (const stream of streams) {
        const made = form.kafkaGroup(group, stream);
        assert.equal(seen.get(made), undefined, `${template}: ${made}`);
        seen.set(made, `${group} of ${stream}`);
        assert.equal(form.groupOf(made, stream), group, `${template}: ${made}`);
      }
    for (const made of seen.keys())
      for (const stream of streams) {
        const group = form.groupOf(made, stream);
        if (group !== undefined) assert.equal(seen.get(made), `${group} of ${stream}`);
      }
  }
});

test('{rawGroup} is the form without escapes, and {group} alone needs none', () => {
  const raw = new GroupForm('{rawGroup}.{stream}');
  assert.equal(raw.kafkaGroup('a.b', 'c'), 'a.b.c');
  assert.equal(raw.groupOf('a.b.c', 'c'), 'a.b');
  const alone = new GroupForm('{group}');
  assert.equal(alone.kafkaGroup('a.b%', 'c'), 'a.b%');
  assert.equal(alone.groupOf('a.b%', 'c'), 'a.b%');
});

test('a form that would make one of several groups is refused at the start', () => {
  const faultOf = (groupId: string) => streamsConfig.safeParse({ groupId }).error?.message ?? '';
  for (const good of [
    '{group}.{stream}',
    '{rawGroup}.{stream}',
    '{group}',
    'prod-{group}/{stream}',
    '{rawGroup}{stream}',
  ])
    assert.equal(faultOf(good), '', good);
  assert.match(faultOf('{stream}'), /needs \{group\} once/);
  assert.match(faultOf('{group}.{stream}.{group}'), /needs \{group\} once/);
  assert.match(faultOf('{stream}.{group}.{stream}'), /\{stream\} once/);
  assert.match(faultOf('{group}x{stream}'), /such as a dot/);
  assert.match(faultOf('{group}\0.{stream}'), /character/);
  assert.match(streamsConfig.safeParse({ listGroup: 'a\0b' }).error?.message ?? '', /group name/);
});

test('a group name with a NUL joined the group in front of it; rights count for the Kafka group that is used', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-groups-'));
  const usersFile = join(dir, 'users.json');
  const password = hashed('pw');
  const user = (name: string, groups: string[], consume = ['*']) => ({
    name,
    password,
    produce: ['*'],
    consume,
    groups,
  });
  writeFileSync(
    usersFile,
    JSON.stringify([user('bob', ['*-bob']), user('kafka', ['app.T']), user('redis', ['app']), user('other', ['ap'])]),
  );
  const create = ['XGROUP', 'CREATE', 'T', 'app', '0', 'MKSTREAM'];
  const denied = /^-NOPERM User \w+ has no permissions to join the group/;
  const start = (groupId: string) => RespPair.start({ settings: { usersFile, streams: { partitions: 1, groupId } } });
  const as = async (pair: RespPair, name: string) => {
    const client = await pair.client();
    assert.equal(await client.exchange(['AUTH', name, 'pw']), '+OK\r\n');
    return client;
  };
  const pair = await start('{group}.{stream}');
  try {
    const bob = await as(pair, 'bob');
    for (const group of ['victim.T\0-bob', 'victim\n-bob'])
      for (const command of [
        ['XGROUP', 'CREATE', 'T', group, '0', 'MKSTREAM'],
        ['XREADGROUP', 'GROUP', group, 'c', 'STREAMS', 'T', '>'],
        ['XACK', 'T', group, '1-1'],
        ['XPENDING', 'T', group],
        ['XCLAIM', 'T', group, 'c', '0', '1-1'],
        ['XAUTOCLAIM', 'T', group, 'c', '0', '0'],
        ['XGROUP', 'SETID', 'T', group, '0'],
        ['XGROUP', 'DESTROY', 'T', group],
        ['XGROUP', 'CREATECONSUMER', 'T', group, 'c'],
        ['XGROUP', 'DELCONSUMER', 'T', group, 'c'],
        ['XINFO', 'CONSUMERS', 'T', group],
      ])
        assert.match(await bob.exchange(command), /^-ERR Invalid group name 'victim/, command.join(' '));
    assert.equal(pair.kafka.groups.size, 0);
    assert.match(await bob.exchange(create), denied);
    assert.match(await (await as(pair, 'other')).exchange(create), denied);
    assert.equal(await (await as(pair, 'redis')).exchange(create), '+OK\r\n');
    assert.match(await (await as(pair, 'kafka')).exchange(create), /^-BUSYGROUP/);
  } finally {
    await pair.stop();
  }
  const raw = await start('{rawGroup}.{stream}');
  try {
    assert.match(await (await as(raw, 'redis')).exchange(create), denied);
    assert.equal(await (await as(raw, 'kafka')).exchange(create), '+OK\r\n');
  } finally {
    await raw.stop();
    rmSync(dir, { recursive: true });
  }
});
