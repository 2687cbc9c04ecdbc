// The console's API on the in-memory Kafka: pages, details, messages, actions.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OpsConfig } from '../../../../src/http/config.js';
import { resources } from '../../../../src/http/console/resources/index.js';
import { OpenFaces } from '../../../support/open-listeners.js';
import { type Answer, type Ask, askUrl } from '../../../support/pixy-lab.js';

type AskConsole = (path: string, ask?: Ask) => Promise<Answer>;

const open: Partial<OpsConfig> = { allowActions: true, showPayloads: true };

async function withConsole(
  ops: Partial<OpsConfig>,
  run: (
    ask: AskConsole,
    act: (method: string, path: string, body: object) => Promise<Answer>,
    faces: OpenFaces,
  ) => Promise<void>,
): Promise<void> {
  const faces = await OpenFaces.start({ ops });
  const ask: AskConsole = (path, options) => askUrl(`http://127.0.0.1:${faces.opsPort}/api/v1${path}`, options);
  try {
    const { json } = await ask('/session');
    const headers = { 'x-csrf-token': json.token };
    await run(ask, (method, path, body) => ask(path, { method, headers, body: JSON.stringify(body) }), faces);
  } finally {
    await faces.stop();
  }
}

const textOf = (value: { base64: string }): string => Buffer.from(value.base64, 'base64').toString();

describe('the API of the console', () => {
  test('topics are filtered and paged by the server, and details are asked for only of the page', () =>
    withConsole(open, async (ask, _act, { kafka }) => {
      for (let index = 0; index < 300; index++) kafka.createTopic(`t${String(index).padStart(3, '0')}`, 2);
      let asked = 0;
      const { edges } = kafka.admin;
      kafka.admin.edges = (partitions, which) => {
        asked = Math.max(asked, partitions.length);
        return edges.call(kafka.admin, partitions, which);
      };
      const { json } = await ask('/topics?q=T1&page=1&size=10');
      assert.deepEqual(
        json.rows.map(({ name }: { name: string }) => name),
        Array.from({ length: 10 }, (_, index) => `t1${10 + index}`),
      );
      assert.equal(asked, 20);
    }));

  test('a topic tells its partitions, and what it does not know is null', () =>
    withConsole(open, async (ask, _act, { kafka }) => {
      kafka.createTopic('orders', 2);
      kafka.seed('orders', 1, 'x');
      const { json } = await ask('/topics/orders');
      assert.equal(json.messages, 1);
      assert.equal(json.perSecond, null, 'a first look knows no rate');
      assert.deepEqual(
        json.partitionRows.map(({ begin, end }: { begin: number; end: number }) => [begin, end]),
        [
          [0, 0],
          [0, 1],
        ],
      );
      kafka.admin.edges = () => Promise.reject(new Error('away'));
      assert.equal((await ask('/topics/orders')).json.messages, null);
      assert.equal((await ask('/topics/none')).status, 404);
    }));

  test('messages are read from any place, and searched, without a group', () =>
    withConsole(open, async (ask, _act, { kafka }) => {
      kafka.createTopic('orders', 1);
      for (let index = 0; index < 5; index++)
        kafka.seed('orders', 0, `v${index}`, { key: Buffer.from(`k${index}`), timestamp: 1_000 + index });
      const values = async (query: string): Promise<string[]> => {
        const { json, text } = await ask(`/topics/orders/messages?${query}`);
        assert.ok(json.messages, text);
        return json.messages.map(({ value }: { value: { base64: string } }) => textOf(value));
      };
      assert.deepEqual(await values('from=latest&limit=2'), ['v4', 'v3']);
      assert.deepEqual(await values(`from=latest&limit=2&places=${encodeURIComponent('{"0":3}')}`), ['v2', 'v1']);
      assert.deepEqual(await values('from=earliest&limit=2'), ['v0', 'v1']);
      assert.deepEqual(await values('from=offset:3'), ['v3', 'v4']);
      assert.deepEqual(await values('from=time:1003'), ['v3', 'v4']);
      assert.deepEqual(await values('from=latest&q=K2'), ['v2']);
      assert.deepEqual(await values('from=latest&q=k2&in=value'), []);
      await kafka.admin.commitGroupOffsets('g', [{ topic: 'orders', partition: 0, offset: 4, metadata: '' }]);
      assert.deepEqual(await values('from=group:g'), ['v4']);
      assert.ok(![...kafka.consumers].some((consumer) => (consumer as { groupId?: string }).groupId));
      assert.equal((await ask('/topics/orders/messages?from=middle')).status, 400);
      assert.equal((await ask('/topics/orders/messages?limit=x')).status, 400);
    }));

  test('fields are masked by name; without showPayloads nothing of a message is sent or searched', async () => {
    await withConsole(open, async (ask, _act, { kafka }) => {
      kafka.createTopic('orders', 1);
      kafka.seed('orders', 0, '{"user":{"Password":"s3cret"},"n":1}', {
        headers: [{ key: 'token', value: Buffer.from('s3cret') }],
      });
      const { json, text } = await ask('/topics/orders/messages');
      assert.equal(textOf(json.messages[0].value), '{"user":{"Password":"*****"},"n":1}');
      assert.equal(json.messages[0].isMasked, true);
      assert.ok(!text.includes(Buffer.from('s3cret').toString('base64')));
    });
    await withConsole({}, async (ask, _act, { kafka }) => {
      kafka.createTopic('orders', 1);
      kafka.seed('orders', 0, 'x');
      const { json } = await ask('/topics/orders/messages');
      assert.deepEqual(Object.keys(json.messages[0]).sort(), ['isHidden', 'offset', 'partition', 'size', 'timestamp']);
      const search = await ask('/topics/orders/messages?q=x');
      assert.deepEqual([search.status, search.json.code], [403, 'payloads-off']);
    });
  });

  test('a message is sent, and the answer tells its place', () =>
    withConsole(open, async (_ask, act, { kafka }) => {
      kafka.createTopic('orders', 1);
      const { status, json } = await act('POST', '/topics/orders/messages', {
        key: null,
        value: 'v',
        headers: { a: 'b' },
      });
      assert.deepEqual([status, json], [200, { partition: 0, offset: 0 }]);
      assert.equal((await act('POST', '/topics/orders/messages', { value: 1 })).status, 400);
    }));

  test('a group is reset after a preview, with its name typed, and deleted so', () =>
    withConsole(open, async (ask, act, { kafka }) => {
      kafka.createTopic('orders', 2);
      for (let index = 0; index < 4; index++) kafka.seed('orders', 0, `v${index}`);
      const committed = [{ topic: 'orders', partition: 0, offset: 3, metadata: '' }];
      await kafka.admin.commitGroupOffsets('g', committed);
      const before = (await ask('/groups/g')).json;
      assert.deepEqual(
        before.positions.map(({ committed, end, lag }: Record<string, number>) => [committed, end, lag]),
        [[3, 4, 1]],
      );
      const wanted = { topic: 'orders', to: 'offset', at: 1 };
      const preview = (await act('POST', '/groups/g/reset', { ...wanted, preview: true })).json;
      assert.deepEqual(preview.rows[0], { topic: 'orders', partition: 0, committed: 3, next: 1 });
      assert.equal((await act('POST', '/groups/g/reset', wanted)).status, 400, 'not confirmed');
      assert.deepEqual(
        (await kafka.admin.groupOffsets('g', committed)).map(({ offset }) => offset),
        [3],
      );
      assert.equal((await act('POST', '/groups/g/reset', { ...wanted, confirm: 'g' })).status, 200);
      assert.deepEqual(
        (await kafka.admin.groupOffsets('g', committed)).map(({ offset }) => offset),
        [1],
      );
      assert.equal((await act('DELETE', '/groups/g', { confirm: 'h' })).status, 400);
      assert.equal((await act('DELETE', '/groups/g', { confirm: 'g' })).status, 200);
      assert.deepEqual(await kafka.admin.groups(), []);
    }));

  test('Kafka away is told as such, and the rest still answers', () =>
    withConsole(open, async (ask, _act, { kafka }) => {
      kafka.faults.unreachable = true;
      assert.equal((await ask('/topics')).status, 503);
      const { json } = await ask('/status');
      assert.equal(json.ready, false);
      assert.match(json.reason, /cluster default/);
      assert.deepEqual([json.clusters[0].brokers, json.clusters[0].kafka], [null, null]);
    }));

  test('the live stream sends the header and the overview', () =>
    withConsole(open, async (_ask, _act, faces) => {
      const stop = new AbortController();
      const response = await fetch(`http://127.0.0.1:${faces.opsPort}/api/v1/live`, { signal: stop.signal });
      assert.equal(response.headers.get('content-type'), 'text/event-stream');
      let text = '';
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        if (/event: status\ndata: \{"name":"Rafka".*\n\nevent: overview\ndata: \{/.test(text)) break;
      }
      stop.abort();
    }));

  test('every resource stands in the OpenAPI document', () =>
    withConsole(open, async (ask) => {
      const { json } = await ask('/openapi.json');
      for (const resource of resources) {
        const method = 'method' in resource ? resource.method.toLowerCase() : 'get';
        assert.equal(json.paths[`/api/v1${resource.path}`]?.[method]?.operationId, resource.name);
      }
    }));
});
