// Valkey GLIDE: node glide.mjs PORT NAME @valkey/valkey-glide
import { Batch, GlideClient } from '@valkey/valkey-glide';
import { answersAgain, expect, key, library, name, port, position, take, version, within } from './steps.mjs';

// Its 250 ms are too short for what creates a topic, and for the first BLPOP of a group.
const settings = (group) => ({
  addresses: [{ host: '127.0.0.1', port }],
  clientName: `${name}-${group}:c`,
  requestTimeout: 10_000,
});
const connect = (group) => GlideClient.createClient(settings(group));
const c = await connect('main');
const ten = Array.from({ length: 10 }, (_, n) => String(n));

async function blpop(topic, reply) {
  const consumer = await connect(topic);
  await consumer.rpushx(key(topic), ['hello']);
  const answer = await consumer.blpop([key(topic, reply)], 20);
  if (reply === 'pair') expect('hello', answer[1]);
  else expect(1, await consumer.rpush('acks', [position(answer)]));
  consumer.close();
}
async function piped(isAtomic) {
  const batch = new Batch(isAtomic);
  for (const value of ten) batch.rpushx(key('pipe'), [value]);
  expect(
    ten.map(() => 1),
    await c.exec(batch, true),
  );
}

console.log(`version ${version(library)}`);
await take('connect', async () => expect('PONG', await c.ping()));
await take('rpushx', async () => expect(1, await c.rpushx(key('a'), ['hello'])));
await take('wait', async () => {
  await c.rpushx(key('a'), ['hello']);
  expect(1, await c.wait(1, 10_000));
  expect(0, await c.customCommand(['DUMP', '10000']));
});
await take('pipeline', () => piped(false));
await take('multi', () => piped(true));
await take('blpop', () => blpop('integers'));
await take('strings', () => blpop('strings', 'strings'));
await take('pair', () => blpop('pair', 'pair'));
await take('exactly-once', async () => {
  const consumer = await connect('in');
  await consumer.rpushx(key('in'), ['hello']);
  const at = position(await consumer.blpop([key('in')], 20));
  const batch = new Batch(true).rpushx(key('out'), ['done']).rpush('acks', [at]);
  expect([1, 1], await consumer.exec(batch, true));
  consumer.close();
});
await take('stream', async () => {
  const stream = `${name}-stream`;
  const id = await c.xadd(stream, [['field', 'hello']]);
  await c.xgroupCreate(stream, 'g', '0');
  const [{ value }] = await c.xreadgroup('g', 'c', { [stream]: '>' }, { count: 10 });
  expect([id], Object.keys(value));
  expect(1, await c.xack(stream, 'g', [id]));
});
await take('pubsub', async () => {
  const exact = { 0: new Set([`${name}-channel`]) };
  const listener = await GlideClient.createClient({
    ...settings('listener'),
    pubsubSubscriptions: { channelsAndPatterns: exact },
  });
  await c.publish('hello', `${name}-channel`);
  expect('hello', (await within(10_000, listener.getPubSubMessage())).message);
  listener.close();
});
await take('reconnect', async () => {
  await c.customCommand(['CLIENT', 'KILL', 'ID', String(await c.clientId()), 'SKIPME', 'no']);
  return answersAgain(() => c.ping());
});
await take('close', () => c.close());
