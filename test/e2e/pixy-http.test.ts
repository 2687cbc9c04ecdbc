// The REST listener against a real Kafka: Kafka-Pixy's acceptance list of its HTTP service, one test each.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import {
  askUrl,
  deltas,
  ends,
  type Pixy,
  type PixyKafka,
  startPixy,
  startPixyKafka,
  until,
} from '../support/pixy-lab.js';

const why = whyNoKafka();
const plain = { 'content-type': 'text/plain' };

interface Operation {
  readonly operationId?: string;
  readonly responses: object;
}

describe('REST listener', { timeout: 600_000 }, () => {
  let kafka: PixyKafka;
  let pixy: Pixy;
  let groups = 0;
  /** A group that nobody has used, and that begins at the end of a topic with what is produced from now on. */
  const group = async (topic = 'test.4', partitions = 4): Promise<string> => {
    const name = `group-${++groups}`;
    const now = await ends(kafka.admin, topic, partitions);
    const body = JSON.stringify(now.map((offset, partition) => ({ partition, offset })));
    const answer = await pixy.ask(`/topics/${topic}/offsets?group=${name}`, { method: 'POST', body });
    assert.deepEqual([answer.status, answer.text], [200, '{}']);
    return name;
  };
  before(async () => {
    if (why) return;
    kafka = await startPixyKafka();
    pixy = await startPixy(kafka.server.brokers);
  });
  after(async () => {
    await pixy?.stop();
    await kafka?.stop();
  });
  const post = (path: string, body: string | Buffer, headers: Record<string, string | string[]> = plain) =>
    pixy.ask(path, { method: 'POST', body, headers });

  describe('producing', () => {
    it('spreads keys as upstream does', async (t) => {
      if (!met(t, why)) return;
      const own = await startPixy(kafka.server.brokers);
      const start = await ends(kafka.admin, 'test.4', 4);
      for (let round = 0; round < 10; round++)
        for (const key of ['1', '2', '3', '4', '5'])
          await own.ask(`/topics/test.4/messages?key=${key}`, { method: 'POST', body: `${round}`, headers: plain });
      await own.stop();
      assert.deepEqual(deltas(start, await ends(kafka.admin, 'test.4', 4)), [20, 10, 10, 10]);
    });

    it('spreads messages without key over the partitions', async (t) => {
      if (!met(t, why)) return;
      const start = await ends(kafka.admin, 'test.4', 4);
      await Promise.all(Array.from({ length: 100 }, () => pixy.put('test.4', 'm')));
      const grown = deltas(start, await ends(kafka.admin, 'test.4', 4));
      assert.ok(grown[0]! > 0 && grown[1]! > 0, `${grown}`);
    });

    it('an empty key has a partition of its own', async (t) => {
      if (!met(t, why)) return;
      const start = await ends(kafka.admin, 'test.4', 4);
      for (let i = 0; i < 10; i++) await pixy.put('test.4', 'm', '');
      assert.deepEqual(deltas(start, await ends(kafka.admin, 'test.4', 4)), [0, 0, 0, 10]);
    });

    it('keys of 64 partitions lie as FNV-1a puts them', async (t) => {
      if (!met(t, why)) return;
      const start = await ends(kafka.admin, 'test.64', 64);
      const all = [];
      for (let i = 0; i < 64; i++) for (let n = 0; n < i; n++) all.push(pixy.put('test.64', 'm', `${i}`));
      await Promise.all(all);
      const grown = deltas(start, await ends(kafka.admin, 'test.64', 64));
      assert.deepEqual(grown.slice(0, 10), [0, 75, 3, 0, 57, 0, 0, 8, 58, 6]);
      assert.equal(
        grown.reduce((sum, n) => sum + n),
        2016,
      );
    });

    it('text comes back as it went', async (t) => {
      if (!met(t, why)) return;
      const name = await group();
      const { partition } = await pixy.put('test.4', 'Превед Медвед', 'foo');
      assert.equal(partition, 1);
      assert.equal((await pixy.take('test.4', name)).value, 'Превед Медвед');
    });

    it('any bytes come back as they went', async (t) => {
      if (!met(t, why)) return;
      const name = await group();
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      await post('/topics/test.4/messages?sync&key=%FF%00', bytes);
      const { json } = await pixy.poll('test.4', name);
      assert.deepEqual(Buffer.from(json.value, 'base64'), bytes);
    });

    it('record headers: canonical names, Base64 values, repeats in order', async (t) => {
      if (!met(t, why)) return;
      const name = await group();
      const headers = { ...plain, 'x-kafka-foo-BAR': ['YmFy', '', 'AP8='] };
      const answer = await post('/topics/test.4/messages?sync', 'm', headers);
      assert.equal(answer.status, 200);
      assert.deepEqual((await pixy.take('test.4', name)).headers, [
        { key: 'Foo-Bar', value: 'YmFy' },
        { key: 'Foo-Bar', value: '' },
        { key: 'Foo-Bar', value: 'AP8=' },
      ]);
    });

    it('a header that is no Base64 is refused', async (t) => {
      if (!met(t, why)) return;
      const answer = await post('/topics/test.4/messages?sync', 'm', { ...plain, 'x-kafka-foo-bar': 'b%r' });
      assert.equal(answer.status, 400);
      assert.equal(answer.text, '{\n  "error": "Invalid base64 encoding for header: X-Kafka-Foo-Bar"\n}');
    });

    it('headers are refused when the configuration names a Kafka without them', async (t) => {
      if (!met(t, why)) return;
      const old = await startPixy(kafka.server.brokers, { kafka: { version: '0.10.2.1' } });
      const options = { method: 'POST', body: 'm', headers: { ...plain, 'x-kafka-foo': 'YmFy' } };
      const answer = await old.ask('/topics/test.4/messages?sync', options);
      await old.stop();
      assert.equal(answer.status, 400);
      assert.match(answer.json.error, /^headers are not supported with this version of Kafka. Consider changing/);
    });

    it('a form: the field msg is the message', async (t) => {
      if (!met(t, why)) return;
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      const start = await ends(kafka.admin, 'test.4', 4);
      const answer = await post('/topics/test.4/messages?sync', 'msg=foo&key=foo', form);
      assert.deepEqual(answer.json, { partition: 1, offset: start[1] });
      assert.deepEqual((await post('/topics/test.4/messages', 'key=foo', form)).json, { error: 'empty message' });
    });

    it('content types: those of upstream, parameters too; others are refused', async (t) => {
      if (!met(t, why)) return;
      const status = async (type: string) =>
        (await post('/topics/test.4/messages', 'm', { 'content-type': type })).status;
      for (const type of [
        'text/plain; charset=utf-8',
        'application/json',
        'application/json; charset=utf-8',
        'application/ld+json',
      ])
        assert.equal(await status(type), 200, type);
      for (const type of ['image/png', 'text/html', 'nonsense']) assert.equal(await status(type), 400, type);
      const refused = await post('/topics/test.4/messages', 'm', { 'content-type': 'image/png' });
      assert.deepEqual(refused.json, { error: 'unsupported content type image/png' });
    });

    it('a body in chunks is taken', async (t) => {
      if (!met(t, why)) return;
      const answer = await post('/topics/test.4/messages?sync', 'm', { ...plain, 'transfer-encoding': 'chunked' });
      assert.equal(answer.status, 200);
    });

    it('the largest message is stored as it was sent; one byte more is dropped', async (t) => {
      if (!met(t, why)) return;
      const name = await group();
      const start = await ends(kafka.admin, 'test.4', 4);
      const largest = Buffer.alloc(1_000_000 - 36 - 3, 'x');
      const more = Buffer.alloc(largest.length + 1, 'y');
      for (const body of [more, largest]) {
        const answer = await post('/topics/test.4/messages?key=foo', body);
        assert.deepEqual([answer.status, answer.text], [200, '{}']);
      }
      const { json } = await pixy.poll('test.4', name);
      const digest = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex');
      assert.equal(digest(Buffer.from(json.value, 'base64')), digest(largest));
      assert.deepEqual(deltas(start, await ends(kafka.admin, 'test.4', 4)), [0, 1, 0, 0]);
      const sync = await post('/topics/test.4/messages?key=foo&sync', more);
      assert.equal(sync.status, 500);
      assert.match(sync.json.error, /^kafka server: Message was too large/);
    });

    it('sync: partition and offset', async (t) => {
      if (!met(t, why)) return;
      const [end] = await ends(kafka.admin, 'test.4', 4);
      const answer = await post('/topics/test.4/messages?key=1&sync=false', 'm');
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.equal(answer.text, `{\n  "partition": 0,\n  "offset": ${end}\n}`);
    });

    it('sync to a missing topic: 404; without sync nobody learns', async (t) => {
      if (!met(t, why)) return;
      const answer = await post('/topics/no-such-topic/messages?sync', 'm');
      assert.equal(answer.status, 404);
      assert.match(answer.json.error, /^kafka server: Request was for a topic or partition that does not exist/);
      const async = await post('/topics/no-such-topic/messages', 'm');
      assert.deepEqual([async.status, async.text], [200, '{}']);
    });

    it('a shutdown time-out of 0 still loses nothing', async (t) => {
      if (!met(t, why)) return;
      const own = await startPixy(kafka.server.brokers, { producer: { shutdown_timeout: '0s' } });
      const [start] = await ends(kafka.admin, 'test.1', 1);
      const ask = { method: 'POST', body: 'm', headers: plain };
      await Promise.all(Array.from({ length: 200 }, () => own.ask('/topics/test.1/messages', ask)));
      await own.stop();
      assert.deepEqual(await ends(kafka.admin, 'test.1', 1), [start! + 200]);
    });

    it('round robin: partitions in turn', async (t) => {
      if (!met(t, why)) return;
      const own = await startPixy(kafka.server.brokers, { producer: { partitioner: 'roundrobin' } });
      const partitions = [];
      for (let i = 0; i < 5; i++) partitions.push((await own.put('test.4', 'm', 'foo')).partition);
      await own.stop();
      assert.deepEqual(partitions, [0, 1, 2, 3, 0]);
    });
  });

  describe('consuming', () => {
    it('wants one group', async (t) => {
      if (!met(t, why)) return;
      for (const [query, count] of [
        ['', 0],
        ['?group=a&group=b', 2],
      ] as const) {
        const answer = await pixy.ask(`/topics/test.4/messages${query}`);
        assert.equal(answer.status, 400);
        assert.deepEqual(answer.json, { error: `one consumer group is expected, but ${count} provided` });
      }
      assert.equal((await pixy.poll('test.4', '')).status, 400);
    });

    it('a missing topic: 408, and another topic of the group goes on', async (t) => {
      if (!met(t, why)) return;
      const name = await group();
      const missing = pixy.poll('no-such-topic', name);
      await pixy.put('test.4', 'here');
      assert.equal((await pixy.take('test.4', name)).value, 'here');
      const answer = await missing;
      assert.deepEqual([answer.status, answer.json], [408, { error: 'long polling timeout' }]);
    });

    it('auto-ack: everything once, in order by key, and committed', async (t) => {
      if (!met(t, why)) return;
      const name = await group();
      const own = await startPixy(kafka.server.brokers);
      const sent: Record<string, string[]> = { A: [], B: [], C: [], D: [] };
      for (let i = 0; i < 22; i++)
        for (const key of Object.keys(sent)) {
          await pixy.put('test.4', `${key}${i}`, key);
          sent[key]!.push(`${key}${i}`);
        }
      const got: Record<string, string[]> = { A: [], B: [], C: [], D: [] };
      for (let i = 0; i < 88; i++) {
        const { key, value } = await own.take('test.4', name);
        got[key!]!.push(value!);
      }
      await own.stop();
      assert.deepEqual(got, sent);
      assert.deepEqual(await pixy.offsets('test.4', name), await ends(kafka.admin, 'test.4', 4));
    });

    it('noAck: what was taken is not committed', async (t) => {
      if (!met(t, why)) return;
      const name = await group();
      const own = await startPixy(kafka.server.brokers, { consumer: { ack_timeout: '500ms' } });
      const before = await pixy.offsets('test.4', name);
      await pixy.put('test.4', 'm');
      await own.take('test.4', name, '&noAck');
      await own.stop();
      assert.deepEqual(await pixy.offsets('test.4', name), before);
    });

    it('explicit acks: in passing, and on their own', async (t) => {
      if (!met(t, why)) return;
      const name = await group();
      const own = await startPixy(kafka.server.brokers);
      await Promise.all(Array.from({ length: 88 }, (_, i) => pixy.put('test.4', `${i}`, `${i}`)));
      const seen = new Set<string | null>();
      let last = await own.take('test.4', name, '&noAck');
      seen.add(last.value);
      for (let i = 0; i < 87; i++) {
        last = await own.take('test.4', name, `&ackPartition=${last.partition}&ackOffset=${last.offset}`);
        seen.add(last.value);
      }
      const answer = await own.ack('test.4', name, last);
      assert.deepEqual([answer.status, answer.text], [200, '{}']);
      await own.stop();
      assert.equal(seen.size, 88);
      assert.deepEqual(await pixy.offsets('test.4', name), await ends(kafka.admin, 'test.4', 4));
    });

    it('ack parameters that are wrong are refused, and those of nobody’s message have no effect', async (t) => {
      if (!met(t, why)) return;
      const name = await group('test.1', 1);
      const error = async (more: string) => (await pixy.poll('test.1', name, more)).json.error;
      assert.equal(
        await error('&ackPartition=1'),
        'ackPartition and ackOffset either both should be provided or neither',
      );
      assert.equal(
        await error('&ackPartition=x&ackOffset=0'),
        'bad ackPartition: [x]: strconv.ParseInt: parsing "x": invalid syntax',
      );
      assert.equal(
        await error('&ackPartition=2147483648&ackOffset=0'),
        'bad ackPartition: [2147483648]: strconv.ParseInt: parsing "2147483648": value out of range',
      );
      assert.equal((await pixy.poll('test.1', name, '&ackPartition=0&ackOffset=-1')).status, 400);
      const first = await pixy.put('test.1', 'first');
      const offset = first.offset;
      assert.equal((await pixy.take('test.1', name, `&ackPartition=0&ackOffset=${offset}`)).offset, offset);
      assert.equal((await pixy.ack('test.1', name, { partition: 0, offset: offset + 5 })).status, 200);
      await pixy.put('test.1', 'second');
      assert.equal((await pixy.take('test.1', name)).value, 'second');
    });

    it('an ack to a process that does not consume the partition: 500', async (t) => {
      if (!met(t, why)) return;
      const answer = await pixy.ack('test.4', 'nobody', { partition: 1, offset: 1 });
      assert.deepEqual([answer.status, answer.json], [500, { error: 'acks channel missing for {nobody test.4 1}' }]);
      const bad = await pixy.ask('/topics/test.4/acks?group=nobody', { method: 'POST' });
      assert.deepEqual(
        [bad.status, bad.json],
        [400, { error: 'bad partition: []: strconv.ParseInt: parsing "": invalid syntax' }],
      );
    });

    it('disabled by configuration: 503', async (t) => {
      if (!met(t, why)) return;
      const own = await startPixy(kafka.server.brokers, { consumer: { disabled: true } });
      const answer = await own.poll('test.4', 'g');
      const inPassing = await own.poll('test.4', 'g', '&ackPartition=1&ackOffset=2');
      const ack = await own.ack('test.4', 'g', { partition: 1, offset: 2 });
      assert.equal((await own.put('test.4', 'm')).partition >= 0, true);
      await own.stop();
      assert.equal(inPassing.status, 503);
      assert.deepEqual([ack.status, ack.json], [500, { error: 'acks channel missing for {g test.4 1}' }]);
      assert.deepEqual([answer.status, answer.json], [503, { error: 'service is disabled by configuration' }]);
    });

    it('a null key and an empty key are told apart, and so are values', async (t) => {
      if (!met(t, why)) return;
      const name = await group();
      await pixy.put('test.4', '');
      const { json, text } = await pixy.poll('test.4', name);
      assert.deepEqual([json.key, json.value, json.headers], [null, '', []]);
      assert.equal(
        text,
        `{\n  "key": null,\n  "value": "",\n  "partition": ${json.partition},\n  "offset": ${json.offset},\n  "headers": []\n}`,
      );
      await pixy.put('test.4', 'm', '');
      assert.equal((await pixy.poll('test.4', name)).json.key, '');
    });

    it('while it stops: 503 for who waits, acks are still taken', async (t) => {
      if (!met(t, why)) return;
      const name = await group('test.1', 1);
      const own = await startPixy(kafka.server.brokers);
      await pixy.put('test.1', 'one');
      const message = await own.take('test.1', name, '&noAck');
      const waiting = own.poll('test.1', name);
      // A look that tells when the poll has arrived: it is answered after it.
      await own.ask('/_ping');
      const stopping = own.stop();
      const answer = await waiting;
      assert.deepEqual([answer.status, answer.json], [503, { error: 'service is shutting down' }]);
      assert.equal((await own.ack('test.1', name, message)).status, 200);
      await stopping;
      assert.deepEqual(await pixy.offsets('test.1', name), [message.offset + 1]);
    });
  });

  describe('offsets', () => {
    it('of a group that nobody knows: -1', async (t) => {
      if (!met(t, why)) return;
      assert.deepEqual(await pixy.offsets('test.4', 'no-such-group'), [-1, -1, -1, -1]);
    });

    it('of a topic that is not there: 404, to get and to set', async (t) => {
      if (!met(t, why)) return;
      for (const options of [{}, { method: 'POST', body: '[{"partition":0,"offset":1}]' }]) {
        const answer = await pixy.ask('/topics/no-such-topic/offsets?group=g', options);
        assert.deepEqual([answer.status, answer.json], [404, { error: 'Unknown topic' }]);
      }
    });

    it('what was set is what one gets, with metadata, lag and count', async (t) => {
      if (!met(t, why)) return;
      for (let i = 0; i < 3; i++) for (const key of ['1', '2', '3', '4']) await pixy.put('test.4', 'm', key);
      const set = [
        { partition: 0, offset: -1, metadata: 'A100' },
        { partition: 1, offset: -2, metadata: 'none' },
        { partition: 2, offset: 1, metadata: 'BBHC' },
      ];
      const path = `/topics/test.4/offsets?group=set-${++groups}`;
      const answer = await pixy.ask(path, { method: 'POST', body: JSON.stringify(set) });
      assert.deepEqual([answer.status, answer.text], [200, '{}']);
      const { json, text } = await pixy.ask(path);
      const now = await ends(kafka.admin, 'test.4', 4);
      const row = (partition: number) => ({ partition, begin: 0, end: now[partition], count: now[partition] });
      assert.deepEqual(json, [
        { ...row(0), offset: -1, lag: 0, metadata: 'A100' },
        { ...row(1), offset: -2, lag: now[1], metadata: 'none' },
        { ...row(2), offset: 1, lag: now[2]! - 1, metadata: 'BBHC', sparse_acks: '1-2,9-11' },
        { ...row(3), offset: -1, lag: 0 },
      ]);
      assert.match(text, /^\[\n {2}\{\n {4}"partition": 0,\n {4}"begin": 0,/);
    });

    it('only the listed partitions change', async (t) => {
      if (!met(t, why)) return;
      const name = await group();
      const before = await pixy.offsets('test.4', name);
      await pixy.ask(`/topics/test.4/offsets?group=${name}`, { method: 'POST', body: '[{"partition":2,"offset":1}]' });
      assert.deepEqual(await pixy.offsets('test.4', name), before.with(2, 1));
      const nothing = await pixy.ask(`/topics/test.4/offsets?group=${name}`, { method: 'POST', body: '[]' });
      assert.equal(nothing.status, 200);
    });

    it('a body that is no list of offsets: 400 in the words of Go', async (t) => {
      if (!met(t, why)) return;
      const error = async (body: string) => {
        const answer = await pixy.ask('/topics/test.4/offsets?group=g', { method: 'POST', body });
        assert.equal(answer.status, 400);
        return answer.json.error;
      };
      assert.equal(
        await error('garbage'),
        "Failed to parse the request: err=(invalid character 'g' looking for beginning of value)",
      );
      assert.equal(await error(''), 'Failed to parse the request: err=(unexpected end of JSON input)');
      assert.match(await error('[{"partition":5}]'), /partition and offset are required/);
    });

    it('a partition that is not there: 404', async (t) => {
      if (!met(t, why)) return;
      const body = '[{"partition":4,"offset":1}]';
      const answer = await pixy.ask('/topics/test.4/offsets?group=g', { method: 'POST', body });
      assert.deepEqual([answer.status, answer.json], [404, { error: 'Unknown topic' }]);
    });

    it('of a group that consumes here: it goes on from there', async (t) => {
      if (!met(t, why)) return;
      const name = await group('test.1', 1);
      const { offset } = await pixy.put('test.1', 'a');
      await pixy.put('test.1', 'b');
      assert.equal((await pixy.take('test.1', name)).value, 'a');
      assert.equal((await pixy.take('test.1', name)).value, 'b');
      const body = JSON.stringify([{ partition: 0, offset }]);
      const answer = await pixy.ask(`/topics/test.1/offsets?group=${name}`, { method: 'POST', body });
      assert.deepEqual([answer.status, answer.text], [200, '{}']);
      assert.equal((await pixy.take('test.1', name)).value, 'a');
      assert.equal((await pixy.take('test.1', name)).value, 'b');
      await until(
        () => pixy.offsets('test.1', name),
        ([now]) => now === offset + 2,
      );
    });

    it('of a group that consumes elsewhere: 500 that names the members', async (t) => {
      if (!met(t, why)) return;
      const name = await group('test.1', 1);
      const own = await startPixy(kafka.server.brokers, { clientId: 'elsewhere' });
      await pixy.put('test.1', 'a');
      await own.take('test.1', name);
      const body = JSON.stringify([{ partition: 0, offset: 0 }]);
      const answer = await pixy.ask(`/topics/test.1/offsets?group=${name}`, { method: 'POST', body });
      await own.stop();
      assert.equal(answer.status, 500);
      assert.match(answer.json.error, /elsewhere$/);
    });
  });

  describe('consumers', () => {
    it('an unknown group, and a group that consumes something else', async (t) => {
      if (!met(t, why)) return;
      const error = async (topic: string, name: string) => {
        const answer = await pixy.ask(`/topics/${topic}/consumers?group=${name}`);
        assert.equal(answer.status, 400);
        return answer.json.error;
      };
      const name = await group('test.1', 1);
      await pixy.put('test.1', 'a');
      await pixy.take('test.1', name);
      assert.equal(await error('test.4', 'no-such-group'), 'unknown consumer group no-such-group');
      assert.equal(await error('test.4', name), `topic test.4 is not consumed by ${name}`);
    });

    it('members and their partitions, on one line each', async (t) => {
      if (!met(t, why)) return;
      const name = `one-${++groups}`;
      const own = await startPixy(kafka.server.brokers, { clientId: 'single' });
      await own.poll('test.4', name);
      const answer = await own.ask(`/topics/test.4/consumers?group=${name}`);
      await own.stop();
      assert.equal(answer.text, `{\n  "${name}": {\n    "single": [0,1,2,3]\n  }\n}`);
    });

    it('three processes share a topic by ranges; all groups of the topic are listed, others not', async (t) => {
      if (!met(t, why)) return;
      const [shared, other] = [`foo-${++groups}`, `bar-${groups}`];
      const own: Pixy[] = [];
      for (const clientId of ['c1', 'c2', 'c3']) own.push(await startPixy(kafka.server.brokers, { clientId }));
      await Promise.all([...own.map((each) => each.poll('test.4', shared)), own[0]!.poll('test.1', other)]);
      const want = { c1: [0, 1], c2: [2], c3: [3] };
      const looked = await until(
        async () => {
          await Promise.all(own.map((each) => each.poll('test.4', shared)));
          return (await pixy.ask('/topics/test.4/consumers')).json;
        },
        (json) => Object.keys(json[shared] ?? {}).length === 3,
      );
      await Promise.all(own.map((each) => each.stop()));
      assert.deepEqual(looked[shared], want);
      assert.equal(looked[other], undefined);
    });
  });

  describe('topics', () => {
    it('names, sorted; parts that are asked for', async (t) => {
      if (!met(t, why)) return;
      const names = (await pixy.ask('/topics')).json;
      assert.deepEqual(names, [...names].sort());
      assert.ok(['test.1', 'test.4', 'test.64'].every((name) => names.includes(name)));
      const { json } = await pixy.ask('/topics?withPartitions');
      assert.equal(json['test.64'].partitions.length, 64);
      assert.deepEqual(json['test.1'], { partitions: [{ partition: 0, leader: 1, replicas: [1], isr: [1] }] });
      assert.deepEqual((await pixy.ask('/topics?withConfig')).json['test.1'], { config: { version: 1, config: {} } });
      const both = (await pixy.ask('/topics?withConfig&withPartitions')).json['test.1'];
      assert.deepEqual(Object.keys(both), ['config', 'partitions']);
    });

    it('settings of the topic itself', async (t) => {
      if (!met(t, why)) return;
      await kafka.admin.createTopic({ name: 'with-config', partitions: 1, config: { 'retention.ms': '12345' } });
      const answer = await until(
        () => pixy.ask('/topics/with-config'),
        ({ status }) => status === 200,
      );
      assert.deepEqual(answer.json, { config: { version: 1, config: { 'retention.ms': '12345' } } });
      assert.equal((await pixy.ask('/topics/no-such-topic')).status, 404);
    });
  });

  describe('the rest', () => {
    it('ping, unknown paths, wrong methods', async (t) => {
      if (!met(t, why)) return;
      const ping = await pixy.ask('/_ping');
      assert.deepEqual(
        [ping.status, ping.text, ping.headers['content-type']],
        [200, 'pong', 'text/plain; charset=utf-8'],
      );
      const missing = await pixy.ask('/topics/');
      assert.deepEqual([missing.status, missing.text], [404, '404 page not found\n']);
      for (const [method, path, allowed] of [
        ['PUT', '/topics', 'GET'],
        ['HEAD', '/topics', 'GET'],
        ['OPTIONS', '/topics/x/messages', 'GET, POST'],
        ['DELETE', '/clusters/default/topics/x/acks', 'POST'],
        ['POST', '/_ping', 'GET'],
      ] as const) {
        const answer = await pixy.ask(path, { method });
        assert.deepEqual([answer.status, answer.text], [405, ''], `${method} ${path}`);
        assert.deepEqual(String(answer.headers.allow).split(', ').sort(), allowed.split(', '), `${method} ${path}`);
      }
    });

    it('clusters by name, each for itself; an unknown one is refused everywhere', async (t) => {
      if (!met(t, why)) return;
      const name = await group();
      await post('/clusters/default/topics/test.4/messages?sync', 'explicit');
      const { json } = await pixy.ask(`/clusters/default/topics/test.4/messages?group=${name}`);
      assert.equal(Buffer.from(json.value, 'base64').toString(), 'explicit');
      for (const path of ['/topics', '/topics/x', '/topics/x/messages', '/topics/x/offsets', '/topics/x/consumers']) {
        const answer = await pixy.ask(`/clusters/nope${path}`);
        assert.deepEqual([answer.status, answer.json], [400, { error: 'proxy `nope` does not exist' }]);
      }
    });

    it('TCP and a unix socket at once; the socket file goes with the process', async (t) => {
      if (!met(t, why)) return;
      const dir = mkdtempSync(join(tmpdir(), 'pixy-'));
      const path = join(dir, 'sock');
      const own = await startPixy(kafka.server.brokers, { top: { unix_addr: path } });
      const start = await ends(kafka.admin, 'test.1', 1);
      const said: number[] = [];
      for (let i = 0; i < 10; i++) {
        const ask = { method: 'POST', body: `${i}`, headers: plain };
        const way = '/topics/test.1/messages?sync';
        const answer = i % 2 === 0 ? await own.ask(way, ask) : await askUrl(`http://unix${way}`, ask, path);
        said.push(answer.json.offset);
      }
      assert.deepEqual(
        said,
        said.map((_, index) => start[0]! + index),
      );
      await own.stop();
      assert.equal(existsSync(path), false);
      rmSync(dir, { recursive: true });
    });

    it('a unix address that is a folder: the start fails in upstream’s words', async (t) => {
      if (!met(t, why)) return;
      const dir = mkdtempSync(join(tmpdir(), 'pixy-'));
      writeFileSync(join(dir, 'x'), '');
      await assert.rejects(
        startPixy(kafka.server.brokers, { top: { unix_addr: dir, tcp_addr: '', grpc_addr: '' } }),
        new RegExp(
          `failed to start Unix socket based HTTP API server: failed to create listener: listen unix ${dir}: bind: address already in use`,
        ),
      );
      rmSync(dir, { recursive: true });
    });

    it('no broker at the start: the text of upstream', async (t) => {
      if (!met(t, why)) return;
      await assert.rejects(
        startPixy('127.0.0.1:1'),
        /failed to spawn proxy, name=default: failed to create Kafka client: kafka: client has run out of available brokers to talk to \(Is your cluster reachable\?\)/,
      );
    });

    it('OpenAPI, health, readiness and metrics', async (t) => {
      if (!met(t, why)) return;
      const { json } = await pixy.ask('/openapi.json');
      assert.equal(json.openapi, '3.0.3');
      assert.ok(json.paths['/clusters/{cluster}/topics/{topic}/messages'].post.responses['404']);
      assert.equal((await pixy.ask('/healthz')).status, 200);
      assert.equal((await pixy.ask('/readyz')).status, 200);
      const { text } = await pixy.ask('/metrics');
      assert.match(text, /rafka_http_requests_total\{route="produce",status="200"\} \d+/);
      assert.match(text, /rafka_produce_seconds_bucket\{le="0\.01",face="http"\} \d+/);
      assert.match(text, /nodejs_eventloop_lag_seconds/);
      assert.match(text, /rafka_group_consumed_total\{cluster="default",group="group-\d+",topic="test\.4"\} \d+/);
      // Whatever these tests were answered stands in the document.
      const documented = new Map<string, object>();
      for (const { get, post } of Object.values<{ get?: Operation; post?: Operation }>(json.paths))
        for (const operation of [get, post])
          if (operation?.operationId) documented.set(operation.operationId, operation.responses);
      const answered = [...text.matchAll(/rafka_http_requests_total\{route="(\w+)",status="(\d+)"\}/g)];
      assert.ok(answered.length > 20);
      for (const [, route, status] of answered)
        if (route !== 'none') assert.ok(status! in (documented.get(route!) ?? {}), `${route} ${status}`);
    });
  });
});
