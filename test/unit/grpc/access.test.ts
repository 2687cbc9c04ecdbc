// Who may use the gRPC listener: users and their rights by metadata, protected mode, names.
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, test } from 'node:test';
import { fail } from '../../../src/errors.js';
import { basic, hashed } from '../../support/credentials.js';
import { met } from '../../support/needs.js';
import { OpenFaces, type OpenFacesOptions } from '../../support/open-listeners.js';
import { PixyClient } from '../../support/pixy-client.js';

const app = {
  name: 'app',
  password: hashed('secret'),
  tokens: [hashed('t0ken')],
  produce: ['orders'],
  consume: ['orders'],
  groups: ['billing'],
};
const root = { ...app, name: 'root', tokens: [], produce: ['*'], consume: ['*'], groups: ['*'], admin: true };

async function withListeners(options: OpenFacesOptions, run: (listeners: OpenFaces) => Promise<void>): Promise<void> {
  const listeners = await OpenFaces.start(options);
  try {
    for (const topic of ['orders', 'other']) listeners.kafka.createTopic(topic, 1);
    await run(listeners);
  } finally {
    await listeners.stop();
  }
}

async function call(
  port: number,
  method: string,
  request: object,
  authorization?: string,
  host = '127.0.0.1',
): Promise<unknown> {
  const client = new PixyClient(`${host}:${port}`, undefined, authorization);
  try {
    return await client.call(method, request);
  } finally {
    client.close();
  }
}

const record = { topic: 'orders', message: Buffer.from('x'), key_undefined: true };

describe('gRPC with users', () => {
  test('without credentials, and with wrong ones: UNAUTHENTICATED', () =>
    withListeners({ users: [app] }, async ({ grpcPort, kafka }) => {
      for (const authorization of [undefined, 'Bearer nope', basic('app', 'no')]) {
        const details = fail(authorization === undefined ? 'no-auth' : 'wrong-password').message;
        await assert.rejects(call(grpcPort, 'Produce', record, authorization), { code: 16, details });
      }
      assert.equal(kafka.producers.size, 0);
      for (const authorization of [basic('app', 'secret'), 'Bearer t0ken'])
        await call(grpcPort, 'Produce', record, authorization);
    }));

  test('a user has the rights on topics and groups that it has over RESP', () =>
    withListeners({ users: [app, root] }, async ({ grpcPort }) => {
      const refused = (method: string, request: object) =>
        assert.rejects(
          call(grpcPort, method, request, basic('app', 'secret')),
          { code: 7, details: /User app has no/ },
          method,
        );
      await refused('Produce', { ...record, topic: 'other' });
      await refused('Produce', { ...record, topic: 'other', async_mode: true });
      await refused('ConsumeNAck', { topic: 'orders', group: 'foreign', auto_ack: true });
      await refused('ConsumeNAck', { topic: 'other', group: 'billing', auto_ack: true });
      await refused('Ack', { topic: 'orders', group: 'foreign' });
      await refused('GetOffsets', { topic: 'orders', group: 'foreign' });
      await refused('SetOffsets', { topic: 'orders', group: 'billing', offsets: [] });
      await refused('GetTopicMetadata', { topic: 'other' });
      await refused('ListConsumers', { topic: 'other' });
      const topics = async (user: string) =>
        Object.keys(((await call(grpcPort, 'ListTopics', {}, basic(user, 'secret'))) as { topics: object }).topics);
      assert.deepEqual([await topics('app'), await topics('root')], [['orders'], ['orders', 'other']]);
    }));
});

describe('gRPC without users', () => {
  test('a topic or group that can be none is refused before anything is asked', () =>
    withListeners({}, async ({ grpcPort, kafka }) => {
      const details = /^Invalid topic name/;
      const bad = { topic: '^log.*', group: 'g' };
      await assert.rejects(call(grpcPort, 'ConsumeNAck', { ...bad, auto_ack: true }), { code: 3, details });
      await assert.rejects(call(grpcPort, 'Produce', { ...record, ...bad, async_mode: true }), { code: 3, details });
      await assert.rejects(call(grpcPort, 'ConsumeNAck', { topic: 'orders', group: 'a\0b' }), {
        code: 3,
        details: /^Invalid group/,
      });
      assert.deepEqual([kafka.consumers.size, kafka.producers.size], [0, 0]);
    }));

  test('protected mode: other machines are refused in the words of RESP', async (t) => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
    if (!met(t, outside === undefined ? 'this machine has no address but the loopback one' : undefined)) return;
    await withListeners({ host: '0.0.0.0' }, async ({ grpcPort, kafka }) => {
      const details = fail('protected-mode').message;
      await assert.rejects(call(grpcPort, 'Produce', record, undefined, outside), { code: 7, details });
      assert.equal(kafka.producers.size, 0);
      await call(grpcPort, 'Produce', record);
    });
    await withListeners({ host: '0.0.0.0', access: { protectedMode: false } }, async ({ grpcPort }) => {
      await call(grpcPort, 'Produce', record, undefined, outside);
    });
  });
});
