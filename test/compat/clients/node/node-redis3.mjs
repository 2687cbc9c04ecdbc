// node-redis 3, which has callbacks: node node-redis3.mjs PORT NAME redis3
import { promisify } from 'node:util';
import { answersAgain, expect, key, library, name, port, position, take, version, within } from './steps.mjs';

const { default: redis } = await import(library);
/** A client of that group. It has no option for the name. */
function connect(group) {
  const client = redis.createClient({ port });
  client.on('error', () => undefined);
  client.client('SETNAME', `${name}-${group}:c`);
  return { client, call: (command, ...args) => promisify(client[command]).call(client, ...args) };
}
const { client, call } = connect('main');
const ten = Array.from({ length: 10 }, (_, n) => String(n));
const exec = (batch) => promisify(batch.exec).call(batch);

async function blpop(topic, reply) {
  const consumer = connect(topic);
  await consumer.call('rpushx', key(topic), 'hello');
  const answer = await consumer.call('blpop', key(topic, reply), 20);
  if (reply === 'pair') expect('hello', answer[1]);
  else expect(1, await consumer.call('rpush', 'acks', position(answer)));
  consumer.client.end(true);
}

console.log(`version ${version(library)}`);
await take('connect', async () => expect('PONG', await call('ping')));
await take('rpushx', async () => expect(1, await call('rpushx', key('a'), 'hello')));
await take('wait', async () => {
  await call('rpushx', key('a'), 'hello');
  expect(1, await call('wait', 1, 10_000));
  expect(0, await call('send_command', 'DUMP', ['10000']));
});
await take('pipeline', async () => {
  const batch = client.batch();
  for (const value of ten) batch.rpushx(key('pipe'), value);
  expect(
    ten.map(() => 1),
    await exec(batch),
  );
});
await take('multi', async () => {
  const multi = client.multi();
  for (const value of ten) multi.rpushx(key('multi'), value);
  expect(
    ten.map(() => 1),
    await exec(multi),
  );
});
await take('blpop', () => blpop('integers'));
await take('strings', () => blpop('strings', 'strings'));
await take('pair', () => blpop('pair', 'pair'));
await take('exactly-once', async () => {
  const consumer = connect('in');
  await consumer.call('rpushx', key('in'), 'hello');
  const at = position(await consumer.call('blpop', key('in'), 20));
  expect([1, 1], await exec(consumer.client.multi().rpushx(key('out'), 'done').rpush('acks', at)));
  consumer.client.end(true);
});
await take('stream', async () => {
  const stream = `${name}-stream`;
  const id = await call('xadd', stream, '*', 'field', 'hello');
  await call('xgroup', 'CREATE', stream, 'g', '0');
  const answer = await call('xreadgroup', 'GROUP', 'g', 'c', 'COUNT', 10, 'BLOCK', 10_000, 'STREAMS', stream, '>');
  expect(id, answer[0][1][0][0]);
  expect(1, await call('xack', stream, 'g', id));
});
await take('pubsub', async () => {
  const listener = connect('listener');
  const message = new Promise((resolve) => listener.client.on('message', (_, value) => resolve(value)));
  await listener.call('subscribe', `${name}-channel`);
  await call('publish', `${name}-channel`, 'hello');
  expect('hello', await within(10_000, message));
  listener.client.end(true);
});
await take('reconnect', async () => {
  await call('client', 'KILL', 'ID', await call('client', 'ID'), 'SKIPME', 'no');
  return answersAgain(() => call('ping'));
});
await take('close', () => call('quit').then(() => undefined));
