// node-redis since 4: node node-redis.mjs PORT NAME redis4|redis5|redis6
import { answersAgain, expect, key, library, name, port, position, take, version, within } from './steps.mjs';

const { createClient } = await import(library);
async function connect(group) {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, name: `${name}-${group}:c` });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
const leave = (client) => (client.destroy ? client.destroy() : client.disconnect());
const c = await connect('main');
const ten = Array.from({ length: 10 }, (_, n) => String(n));

/** What the library's own blPop makes of the reply. A connection consumes one topic: each reply has its own client. */
async function blpop(topic, reply) {
  const consumer = await connect(topic);
  try {
    await consumer.rPushX(key(topic), 'hello');
    // blPop reads a pair only, which it gives names; eight elements need the raw call.
    if (reply === 'pair') return expect('hello', (await consumer.blPop(key(topic, reply), 20)).element);
    const answer = await consumer.sendCommand(['BLPOP', key(topic, reply), '20']);
    expect(1, await consumer.rPush('acks', position(answer)));
    return 'sendCommand';
  } finally {
    await leave(consumer);
  }
}

console.log(`version ${version(library)}`);
await take('connect', async () => expect('PONG', await c.ping()));
await take('rpushx', async () => expect(1, await c.rPushX(key('a'), 'hello')));
await take('wait', async () => {
  await c.rPushX(key('a'), 'hello');
  expect(1, await c.wait(1, 10_000));
  expect(0, await c.sendCommand(['DUMP', '10000']));
});
await take('pipeline', async () => {
  const answers = await Promise.all([
    ...ten.map((value) => c.rPushX(key('pipe'), value)),
    c.sendCommand(['DUMP', '10000']),
  ]);
  expect([...ten.map(() => 1), 0], answers);
});
await take('multi', async () => {
  const multi = c.multi();
  for (const value of ten) multi.rPushX(key('multi'), value);
  expect(
    ten.map(() => 1),
    await multi.exec(),
  );
});
await take('blpop', () => blpop('integers'));
await take('strings', () => blpop('strings', 'strings'));
await take('pair', () => blpop('pair', 'pair'));
await take('exactly-once', async () => {
  const consumer = await connect('in');
  await consumer.rPushX(key('in'), 'hello');
  const at = position(await consumer.sendCommand(['BLPOP', key('in'), '20']));
  expect([1, 1], await consumer.multi().rPushX(key('out'), 'done').rPush('acks', at).exec());
  await leave(consumer);
});
await take('stream', async () => {
  const stream = `${name}-stream`;
  const id = await c.xAdd(stream, '*', { field: 'hello' });
  await c.xGroupCreate(stream, 'g', '0');
  const answer = await c.xReadGroup('g', 'c', { key: stream, id: '>' }, { COUNT: 10, BLOCK: 10_000 });
  const entries = Array.isArray(answer) ? answer[0].messages : Object.values(answer)[0];
  expect(id, entries[0].id);
  expect(1, await c.xAck(stream, 'g', id));
});
await take('pubsub', async () => {
  const listener = await connect('listener');
  let heard;
  const message = new Promise((resolve) => {
    heard = resolve;
  });
  await listener.subscribe(`${name}-channel`, heard);
  await c.publish(`${name}-channel`, 'hello');
  expect('hello', await within(10_000, message));
  await leave(listener);
});
await take('reconnect', async () => {
  await c.sendCommand(['CLIENT', 'KILL', 'ID', String(await c.sendCommand(['CLIENT', 'ID'])), 'SKIPME', 'no']);
  return answersAgain(() => c.ping());
});
await take('close', () => (c.close ? c.close() : c.quit()).then(() => undefined));
