// The console's view of Redis clients: connections, MONITOR, the prompt, streams. A real listener on the in-memory Kafka.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { respSideOf, respSideOfWorkers } from '../../../../src/app/console-resp.js';
import type { OpsConfig } from '../../../../src/http/config.js';
import { printReply, readReply, wordsOf } from '../../../../src/http/console/redis/reply.js';
import type { RespSide } from '../../../../src/http/console/redis/resp-side.js';
import { eventually } from '../../../support/eventually.js';
import { OpenFaces, type OpenFacesOptions } from '../../../support/open-listeners.js';
import { type Answer, askUrl } from '../../../support/pixy-lab.js';
import { RespPair } from '../../../support/resp-pair.js';

type Act = (method: string, path: string, body?: object) => Promise<Answer>;

async function withBoth(
  run: (act: Act, pair: RespPair, url: string) => Promise<void>,
  { ops, ...options }: OpenFacesOptions & { ops?: Partial<OpsConfig> } = {},
  side: (pair: RespPair) => RespSide = ({ server }) => respSideOf(server),
): Promise<void> {
  const pair = await RespPair.start();
  const faces = await OpenFaces.start({
    ops: { allowActions: true, showPayloads: true, ...ops },
    kafka: pair.kafka,
    resp: side(pair),
    ...options,
  });
  const url = `http://127.0.0.1:${faces.opsPort}/api/v1`;
  try {
    const { json } = await askUrl(`${url}/session`);
    const headers = { 'x-csrf-token': json.token };
    const act: Act = (method, path, body) =>
      askUrl(`${url}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    await run(act, pair, url);
  } finally {
    await faces.stop();
    await pair.stop();
  }
}

const printed = (text: string): string => printReply(readReply(Buffer.from(text))!.reply);

describe('the console and Redis clients', () => {
  test('a connection tells who it is and its last error; it is closed with its id typed', () =>
    withBoth(async (act, pair) => {
      const client = await pair.client();
      client.send('client setname me\r\nnosuch\r\n');
      await client.take("+OK\r\n-ERR unknown command 'nosuch', with args beginning with: \r\n");
      const { json } = await act('GET', '/clients?q=ME');
      assert.equal(json.total, 1);
      const [row] = json.rows;
      assert.deepEqual([row.name, row.user, row.is, row.inFlight], ['me', 'default', 'idle', 0]);
      assert.match(row.lastError.text, /unknown command/);
      assert.equal((await act('DELETE', `/clients/${row.id}`, { confirm: 'x' })).status, 400);
      assert.equal(pair.server.clientCount, 1);
      assert.equal((await act('DELETE', `/clients/${row.id}`, { confirm: String(row.id) })).status, 200);
      await eventually(5_000, () => pair.server.clientCount === 0);
    }));

  test('with --workers what they do not tell is unknown, and nothing is opened', () =>
    withBoth(
      async (act) => {
        const { json } = await act('GET', '/clients');
        const { name, is, inFlight, lastError } = json.rows[0];
        assert.deepEqual([name, is, inFlight, lastError], ['a:1', 'waiting', null, 'unknown']);
        assert.equal(json.canMonitor, false);
        const session = (await act('GET', '/session')).json;
        assert.deepEqual([session.hasClients, session.hasStreams, session.hasPrompt], [true, false, false]);
        assert.equal((await act('POST', '/prompt', { line: 'ping' })).status, 400);
        assert.equal((await act('GET', '/streams/x')).status, 400);
      },
      {},
      () =>
        respSideOfWorkers(
          async () => [
            [
              {
                id: 7,
                line: 'id=7 addr=127.0.0.1:1 name=a:1 age=3 idle=1 flags=b cmd=blpop user=u lib-name= lib-ver=',
              },
            ],
          ],
          async () => [0, 1],
        ),
    ));

  test('the prompt keeps its connection, prints as redis-cli, and takes token, actions and payloads', async () => {
    await withBoth(async (act, pair, url) => {
      const named = (await act('POST', '/prompt', { line: 'client setname me:1' })).json;
      assert.equal(named.text, 'OK');
      const asked = await act('POST', '/prompt', { line: 'client getname', prompt: named.prompt });
      assert.equal(asked.json.text, '"me:1"');
      const other = await act('POST', '/prompt', { line: 'client getname' });
      assert.notEqual(other.json.text, '"me:1"');
      assert.equal((await act('POST', '/prompt', { line: 'monitor' })).status, 400);
      assert.equal((await act('POST', '/prompt', { line: 'get "x' })).status, 400);
      assert.equal((await act('POST', '/prompt', { line: 'nosuch' })).json.isError, true);
      const body = JSON.stringify({ line: 'ping' });
      assert.equal((await askUrl(`${url}/prompt`, { method: 'POST', body })).json.code, 'csrf-missing');
      assert.equal(pair.server.clientCount, 3);
    });
    await withBoth(
      async (act) => assert.equal((await act('POST', '/prompt', { line: 'ping' })).json.code, 'payloads-off'),
      { ops: { allowActions: true, showPayloads: false } },
    );
    await withBoth(
      async (act) => assert.equal((await act('POST', '/prompt', { line: 'ping' })).json.code, 'actions-off'),
      { ops: { allowActions: false, showPayloads: true } },
    );
  });

  test('MONITOR shows commands that pass the filter, without payloads where they are not shown', () =>
    withBoth(
      async (_act, pair, url) => {
        const gone = new AbortController();
        const response = await fetch(`${url}/monitor?command=echo`, { signal: gone.signal });
        const reader = response.body!.getReader();
        let text = '';
        const until = async (part: string): Promise<void> => {
          while (!text.includes(part)) text += Buffer.from((await reader.read()).value!).toString();
        };
        await until('event: begun');
        const client = await pair.client();
        client.send('ping\r\necho a\r\nrpushx topics:t secret\r\necho b\r\n');
        await until('"b"');
        assert.ok(!text.includes('PING') && !text.includes('ping') && !text.includes('secret'), text);
        gone.abort();
        await reader.cancel().catch(() => {});
      },
      { ops: { showPayloads: false } },
    ));

  test('a stream tells its groups and pending entries, which are claimed and acknowledged; looking joins no group', () =>
    withBoth(async (act, pair) => {
      const say = async (line: string): Promise<string> => (await act('POST', '/prompt', { line })).json.text;
      await say('xadd orders * id 1');
      await say('xgroup create orders g 0');
      await act('GET', '/streams/orders');
      const [unread] = (await act('GET', '/streams/orders')).json.groups;
      assert.deepEqual([unread.consumers, unread.pending], [[], null]);
      await say('xreadgroup group g me count 1 streams orders >');
      const [group] = (await act('GET', '/streams/orders')).json.groups;
      assert.deepEqual([group.name, group.pending, group.consumers[0].name], ['g', 1, 'me']);
      const [entry] = group.entries;
      assert.deepEqual([entry.consumer, entry.deliveries], ['me', 1]);
      const path = '/streams/orders/groups/g/pending';
      assert.equal((await act('POST', path, { act: 'claim', id: entry.id, consumer: 'you' })).json.done, 1);
      assert.equal((await act('GET', '/streams/orders')).json.groups[0].entries[0].consumer, 'you');
      assert.equal((await act('POST', path, { act: 'lose', id: entry.id })).status, 400);
      assert.equal((await act('POST', path, { act: 'acknowledge', id: entry.id })).json.done, 1);
      assert.equal((await act('GET', '/streams/orders')).json.groups[0].pending, 0);
      const { rows, patterns } = (await act('GET', '/streams?q=ord')).json;
      assert.deepEqual([rows[0].name, rows[0].messages, rows[0].subscribers, patterns], ['orders', 1, 0, 0]);
      assert.equal((await act('GET', '/streams/none')).status, 400);
      assert.ok(pair.kafka);
    }));

  test('a dead letter is appended to its stream again, without the headers of its death', () =>
    withBoth(async (act, { kafka }) => {
      kafka.createTopic('orders', 1);
      kafka.createTopic('orders.dlq', 1);
      kafka.seed('orders.dlq', 0, 'v', { headers: [{ key: 'dlq.group', value: Buffer.from('g') }] });
      assert.equal((await act('GET', '/streams?q=orders')).json.rows.length, 1);
      assert.equal((await act('POST', '/streams/orders/dead-letters', { partition: 0, offset: 3 })).status, 400);
      assert.equal((await act('POST', '/streams/orders/dead-letters', { partition: 0, offset: 0 })).status, 200);
      const { messages } = (await act('GET', '/topics/orders/messages')).json;
      assert.deepEqual([messages.length, messages[0].headers], [1, []]);
    }));

  test('replies are printed as redis-cli prints them, and lines are read as it reads them', () => {
    assert.equal(printed('*2\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n'), '1) "a"\n2) 1) (integer) 1\n   2) (nil)');
    assert.equal(printed('*0\r\n'), '(empty array)');
    assert.equal(printed('-ERR no\r\n'), '(error) ERR no');
    assert.equal(printed('$3\r\n"\x00\n\r\n'), '"\\"\\x00\\n"');
    assert.equal(readReply(Buffer.from('*1\r\n$5\r\nab')), undefined);
    assert.deepEqual(wordsOf(`set "a b" 'c\\'d' "\\x00\\n"`)?.map(String), ['set', 'a b', "c'd", '\0\n']);
    assert.equal(wordsOf('set "a'), undefined);
  });
});
