// ioredis and its fork iovalkey: node ioredis.mjs PORT NAME ioredis5|ioredis6|iovalkey
import { answersAgain, expect, key, library, name, port, position, take, version, within } from './steps.mjs';

const { Redis } = await import(library);
const connect = (group) => new Redis({ host: '127.0.0.1', port, connectionName: `${name}-${group}:c` });
const values = (replies) =>
  replies.map(([error, value]) => {
    if (error) throw error;
    return value;
  });
const c = connect('main');
const ten = Array.from({ length: 10 }, (_, n) => String(n));

/** What the library's own blpop makes of the reply. A connection consumes one topic: each reply has its own client. */
async function blpop(topic, reply) {
  const consumer = connect(topic);
  await consumer.rpushx(key(topic), 'hello');
  const answer = await consumer.blpop(key(topic, reply), 20);
  if (reply === 'pair') expect('hello', answer[1]);
  else expect(1, await consumer.rpush('acks', position(answer)));
  consumer.disconnect();
}

console.log(`version ${version(library)}`);
await take('connect', async () => expect('PONG', await c.ping()));
await take('rpushx', async () => expect(1, await c.rpushx(key('a'), 'hello')));
await take('wait', async () => {
  await c.rpushx(key('a'), 'hello');
  expect(1, await c.wait(1, 10_000));
  expect(0, await c.call('DUMP', '10000'));
});
await take('pipeline', async () => {
  const pipe = c.pipeline();
  for (const value of ten) pipe.rpushx(key('pipe'), value);
  expect([...ten.map(() => 1), 0], values(await pipe.call('DUMP', '10000').exec()));
});
await take('multi', async () => {
  const multi = c.multi();
  for (const value of ten) multi.rpushx(key('multi'), value);
  expect(
    ten.map(() => 1),
    values(await multi.exec()),
  );
});
await take('blpop', () => blpop('integers'));
await take('strings', () => blpop('strings', 'strings'));
await take('pair', () => blpop('pair', 'pair'));
await take('exactly-once', async () => {
  const consumer = connect('in');
  await consumer.rpushx(key('in'), 'hello');
  const at = position(await consumer.blpop(key('in'), 20));
  expect([1, 1], values(await consumer.multi().rpushx(key('out'), 'done').rpush('acks', at).exec()));
  consumer.disconnect();
});
await take('stream', async () => {
  const stream = `${name}-stream`;
  const id = await c.xadd(stream, '*', 'field', 'hello');
  await c.xgroup('CREATE', stream, 'g', '0');
  const answer = await c.xreadgroup('GROUP', 'g', 'c', 'COUNT', 10, 'BLOCK', 10_000, 'STREAMS', stream, '>');
  const entries = Array.isArray(answer) ? answer[0][1] : Object.values(answer)[0];
  expect(id, entries[0][0]);
  expect(1, await c.xack(stream, 'g', id));
});
await take('pubsub', async () => {
  const listener = connect('listener');
  const message = new Promise((resolve) => listener.on('message', (_, value) => resolve(value)));
  await listener.subscribe(`${name}-channel`);
  await c.publish(`${name}-channel`, 'hello');
  expect('hello', await within(10_000, message));
  listener.disconnect();
});
await take('reconnect', async () => {
  await c.client('KILL', 'ID', await c.client('ID'), 'SKIPME', 'no');
  return answersAgain(() => c.ping());
});
await take('close', () => c.quit().then(() => undefined));
