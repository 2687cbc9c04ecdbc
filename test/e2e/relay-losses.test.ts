// The table of kaf-relay's losses and duplicates, L1 to L16: what happens here, on two real clusters and as real processes.
// L5, L6, L10 and L16 are in relay.test.ts, L9 and L15 in relay-failover.test.ts, L11 and L13 in relay-target.test.ts.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { parse } from 'smol-toml';
import { freePort } from '../support/gateway.js';
import { inTransaction, makeTopic, openTransaction, type RealCluster } from '../support/relay-clusters.js';
import { ended, fill, headerText, metric, numbered, readAll, until, valuesOf } from '../support/relay-lab.js';
import { RelayProcess } from '../support/relay-process.js';
import { relayStages } from '../support/relay-stage.js';

describe("kaf-relay's losses and duplicates", { timeout: 600_000 }, () => {
  const { lab, needs } = relayStages(1);

  /** What kaf-relay leaves behind: plain copies with `_t` and no record of progress. */
  async function* asKafRelay(kafka: RealCluster['kafka'], a: string, b: string) {
    for (const messages of await readAll(kafka, a)) {
      for (const { partition, key, value, timestamp } of messages) {
        yield { topic: b, partition, key, value, headers: [{ key: '_t', value: Buffer.from(`${timestamp}000000`) }] };
      }
    }
  }
  async function list<T>(items: AsyncIterable<T>): Promise<T[]> {
    const all: T[] = [];
    for await (const item of items) all.push(item);
    return all;
  }

  test('L1, L2: other messages and markers in the target topic move nothing: none is skipped', async (t) => {
    if (!needs(t)) return;
    const { a, b, source, target, once, copied } = await lab();
    await fill(source, numbered(a, 10));
    await once();
    await fill(target, numbered(b, 5, { prefix: 'foreign' }));
    await inTransaction(target, 'commit', numbered(b, 5, { prefix: 'foreign' }));
    await fill(source, numbered(a, 10, { from: 10 }));
    assert.match((await once()).summary, /: 10 messages/);
    const ours = (await copied()).filter((value) => !value.startsWith('foreign'));
    assert.deepEqual(
      ours,
      Array.from({ length: 20 }, (_, index) => `value${index}`),
    );
  });

  test('L1: a second relay of the same topic shuts the first one out; nothing comes twice', async (t) => {
    if (!needs(t)) return;
    const { a, source, copied, toml } = await lab({ partitions: 2 });
    const first = await RelayProcess.start(await toml());
    await fill(source, numbered(a, 500, { partitions: 2 }));
    await until('the first relay', async () => (await copied()).length > 0);
    const second = await RelayProcess.start(await toml());
    await until('the second relay', () => second.line('reading') !== undefined);
    await fill(source, numbered(a, 500, { partitions: 2, from: 500 }));
    assert.equal(await first.exited, 1, first.output);
    assert.match(String(first.line('topic stopped')?.err), /another relay of this topic has taken over/);
    await until('the rest', async () => (await copied()).length >= 1_000);
    second.kill('SIGTERM');
    assert.equal(await second.exited, 0);
    const values = await copied();
    assert.deepEqual([values.length, new Set(values).size], [1_000, 1_000]);
  });

  test('a foreign transaction that stays open in the checkpoint topic, and kill -9: exactly once', async (t) => {
    if (!needs(t)) return;
    const { a, source, target, copied, toml } = await lab();
    await fill(source, numbered(a, 100));
    const first = await RelayProcess.start(await toml());
    await until('the first hundred', async () => (await copied()).length === 100);
    const foreign = await openTransaction(target, 'rafka-relay-checkpoints');
    t.after(() => foreign.close(0));
    await fill(source, numbered(a, 100, { from: 100 }));
    await until('the second hundred', async () => (await copied()).length === 200);
    first.kill('SIGKILL');
    await first.exited;
    const second = await RelayProcess.start(await toml(), ['--stop-at-end']);
    await until('it says what it waits for', () => second.line('waits for an open transaction') !== undefined);
    await foreign.abortTransaction(10_000);
    assert.equal(await second.exited, 0, second.output);
    assert.match(second.output, /: 0 messages/);
    assert.equal((await copied()).length, 200);
  });

  test('a relay of ten topics is frozen in its transactions: another one that is killed and started again repeats nothing', async (t) => {
    if (!needs(t)) return;
    const { a, source, target, copied, toml } = await lab();
    const others = Array.from({ length: 10 }, (_, n) => `frozen${n}`);
    for (const name of others) await Promise.all([makeTopic(source, name), makeTopic(target, name)]);
    const over = { target: { transaction_timeout: '3s' } };
    const frozen = await RelayProcess.start(
      await toml({ ...over, topics: Object.fromEntries(others.map((name) => [name, name])) }),
    );
    for (const name of others) await fill(source, numbered(name, 500));
    await until('some of it', async () => valuesOf(await readAll(target, 'frozen9')).length > 0);
    for (const name of others) await fill(source, numbered(name, 500, { from: 500 }));
    frozen.kill('SIGSTOP');
    t.after(() => frozen.kill('SIGKILL'));
    await fill(source, numbered(a, 100));
    const first = await RelayProcess.start(await toml(over));
    await until('its messages', async () => (await copied()).length === 100);
    await fill(source, numbered(a, 100, { from: 100 }));
    await until('more', async () => (await copied()).length === 200);
    first.kill('SIGKILL');
    await first.exited;
    const second = await RelayProcess.start(await toml(over), ['--stop-at-end']);
    assert.equal(await second.exited, 0, second.output);
    assert.equal((await copied()).length, 200);
    frozen.kill('SIGCONT');
    for (const name of others)
      await until(name, async () => new Set(valuesOf(await readAll(target, name))).size === 1_000, 60_000);
    for (const name of others) assert.equal(valuesOf(await readAll(target, name)).length, 1_000);
    frozen.kill('SIGTERM');
    assert.equal(await frozen.exited, 0, frozen.output);
  });

  test('a topic that stopped on a refused record is taken out of the file: the other goes on exactly', async (t) => {
    if (!needs(t)) return;
    const good = await lab();
    const bad = await lab({ targetPartitions: 0 });
    await bad.target.admin.createTopic({ name: bad.b, partitions: 1, config: { 'max.message.bytes': '10000' } });
    await fill(good.source, numbered(good.a, 100));
    const large = { topic: bad.a, partition: 0, key: null, value: Buffer.alloc(20_000, 'x') };
    await fill(bad.source, [...numbered(bad.a, 5), large]);
    const both = await RelayProcess.start(await good.toml({ topics: { [good.a]: good.b, [bad.a]: bad.b } }));
    await until('the stop', () => both.line('topic stopped') !== undefined);
    await until('the other', async () => (await good.copied()).length === 100);
    both.kill('SIGTERM');
    assert.equal(await both.exited, 1, both.output);
    await fill(good.source, numbered(good.a, 100, { from: 100 }));
    const alone = await RelayProcess.start(await good.toml(), ['--stop-at-end']);
    assert.equal(await alone.exited, 0, alone.output);
    assert.match(alone.output, /: 100 messages/);
    assert.equal((await good.copied()).length, 200);
  });

  test('an open transaction in the source: --stop-at-end copies what was acknowledged behind it, too', async (t) => {
    if (!needs(t)) return;
    const { a, source, run, copied } = await lab();
    await fill(source, numbered(a, 10));
    const foreign = await openTransaction(source, a);
    t.after(() => foreign.close(0));
    await fill(source, numbered(a, 1_000, { from: 10 }));
    const started = await run({}, { stopAtEnd: true });
    await until('it says where', () => started.lines.some(({ at }) => at === `${a}[0]@10`));
    assert.equal((await copied()).length, 10);
    await foreign.abortTransaction(10_000);
    assert.match((await ended(started)).summary, /: 1010 messages/);
    assert.equal((await copied()).length, 1_010);
  });

  test('an open transaction in the source and stop_at_end_timeout: exit code 1, and it is named', async (t) => {
    if (!needs(t)) return;
    const { a, source, toml, copied } = await lab();
    await fill(source, numbered(a, 10));
    const foreign = await openTransaction(source, a);
    t.after(() => foreign.close(0));
    await fill(source, numbered(a, 100, { from: 10 }));
    const relay = await RelayProcess.start(await toml({ source_pool: { stop_at_end_timeout: '2s' } }), [
      '--stop-at-end',
    ]);
    assert.equal(await relay.exited, 1, relay.output);
    assert.match(String(relay.line('topic stopped')?.err), new RegExp(`${a}\\[0\\]@10: an open transaction hides`));
    assert.equal((await copied()).length, 10);
  });

  test('an open transaction in the source counts as lag; without an answer of the source there is no lag', async (t) => {
    if (!needs(t)) return;
    const { a, source, sources, run, copied } = await lab();
    await fill(source, numbered(a, 10));
    const foreign = await openTransaction(source, a);
    t.after(() => foreign.close(0));
    await fill(source, numbered(a, 100, { from: 10 }));
    const started = await run({ source_pool: { request_timeout: '2s' } });
    const lag = async () => metric(await started.metrics(), 'kafka_relay_lag_messages', { source_partition: '0' });
    await until('what can be read', async () => (await copied()).length === 10);
    await until('the lag', async () => (await lag()) === 101);
    const { server } = sources[0]!;
    server.pause();
    t.after(() => server.resume());
    await until('no lag', async () => (await lag()) === undefined);
    server.resume();
    await foreign.abortTransaction(30_000);
    await until('the rest', async () => (await copied()).length === 110, 60_000);
    await until('none left', async () => (await lag()) === 0, 60_000);
    await started.stop();
  });

  test('a target that two sources share, with messages and without recorded progress: refused with a text', async (t) => {
    if (!needs(t)) return;
    const { a, b, source, target, once, copied } = await lab();
    await makeTopic(source, `${a}-other`);
    for (const topic of [a, `${a}-other`]) await fill(source, numbered(topic, 10));
    await fill(target, numbered(b, 5));
    const outcome = await once({ topics: { [a]: b, [`${a}-other`]: b } });
    assert.equal(outcome.failed, 2);
    assert.match(outcome.text, /which of its sources .* they came from cannot be told/);
    assert.equal((await copied()).length, 5);
  });

  test('L3, L4: a pin of several partitions, and one to another partition, go on after a restart', async (t) => {
    if (!needs(t)) return;
    for (const partitions of [3, 1]) {
      const { a, b, source, once, copied } = await lab({ partitions, targetPartitions: 3 });
      for (let round = 0; round < 3; round++) {
        await fill(source, numbered(a, 12, { partitions, from: round * 12 }));
        assert.match((await once({ topics: { [a]: `${b}:2` } })).summary, /: 12 messages/);
      }
      assert.equal(new Set(await copied()).size, 36);
      assert.equal((await copied()).length, 36);
    }
  });

  test('L7: a recreated source topic is refused with a text; --restart-topic copies it from its beginning', async (t) => {
    if (!needs(t)) return;
    const { a, source, once, copied } = await lab();
    await fill(source, numbered(a, 10));
    await once();
    await source.admin.deleteTopic(a);
    await makeTopic(source, a, 1);
    await fill(source, numbered(a, 20, { prefix: 'new' }));
    const refused = await once();
    assert.equal(refused.failed, 1);
    assert.match(refused.text, /source topic a\d+ is not the one that was relayed before.*--restart-topic/);
    assert.match((await once({}, { restartTopic: [a] })).summary, /: 20 messages/);
    assert.match((await once()).summary, /: 0 messages/);
    assert.equal((await copied()).length, 30);
  });

  test('L8: a recreated target topic is refused with a text; one whose records were deleted is not copied again', async (t) => {
    if (!needs(t)) return;
    const { a, b, source, target, once, copied } = await lab();
    await fill(source, numbered(a, 10));
    await once();
    await target.admin.deleteRecords([{ topic: b, partition: 0, offset: 10 }]);
    assert.match((await once()).summary, /: 0 messages/);
    await target.admin.deleteTopic(b);
    await makeTopic(target, b, 1);
    const refused = await once();
    assert.equal(refused.failed, 1);
    assert.match(refused.text, /target topic b\d+ is not the one that was relayed before/);
    assert.match((await once({}, { restartTopic: [a] })).summary, /: 10 messages/);
    assert.equal((await copied()).length, 10);
  });

  test('L7, L8: a topic that is recreated under way stops the relay of it', async (t) => {
    if (!needs(t)) return;
    for (const side of ['source', 'target'] as const) {
      const stage = await lab();
      await fill(stage.source, numbered(stage.a, 10));
      const started = await stage.run();
      await until('the messages', async () => (await stage.copied()).length === 10);
      const topic = side === 'source' ? stage.a : stage.b;
      await stage[side].admin.deleteTopic(topic);
      await makeTopic(stage[side], topic, 1);
      assert.equal((await ended(started)).failed, 1, side);
      await started.stop();
      const why = { source: /source topic a\d+ is not the one that was relayed/, target: /topic b\d+ was recreated/ };
      assert.match(started.text(), why[side]);
    }
  });

  test('L12: with acks of the leader alone exactly_once is off and nothing is skipped', async (t) => {
    if (!needs(t)) return;
    const { a, source, once, copied } = await lab();
    const over = { target: { commit_ack_type: 'tcp', enable_idempotency: false } };
    await fill(source, numbered(a, 1_000));
    assert.match((await once(over)).summary, /: 1000 messages/);
    await fill(source, numbered(a, 1_000, { from: 1_000 }));
    assert.match((await once(over)).summary, /: 1000 messages/);
    assert.equal(new Set(await copied()).size, 2_000);
  });

  test('14.1 item 3, L14: kill -9 under load, at any point, five times: no gap, no duplicate, order kept', async (t) => {
    if (!needs(t)) return;
    const { a, b, source, target, copied, toml } = await lab({ partitions: 2 });
    let filled = 0;
    for (let round = 0; round < 5; round++) {
      const relay = await RelayProcess.start(await toml({ target: { transaction_records: 500 } }));
      await until('a reader', () => relay.line('reading') !== undefined);
      await fill(source, numbered(a, 6_000, { partitions: 2, from: filled }));
      filled += 6_000;
      // Another point each time: before, in and between transactions.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 120));
      relay.kill('SIGKILL');
      await relay.exited;
    }
    const last = await RelayProcess.start(await toml(), ['--stop-at-end']);
    assert.equal(await last.exited, 0, last.output);
    const values = await copied();
    assert.deepEqual([values.length, new Set(values).size], [filled, filled]);
    const [from, to] = await Promise.all([readAll(source, a), readAll(target, b)]);
    to.forEach((messages, partition) => {
      assert.deepEqual(valuesOf([messages]), valuesOf([from[partition]!]));
    });
  });

  describe('a target that kaf-relay filled', () => {
    test('is taken over by its end offsets, once', async (t) => {
      if (!needs(t)) return;
      const { a, b, source, target, once, copied } = await lab({ partitions: 3 });
      await fill(source, numbered(a, 20, { partitions: 2 }));
      await fill(target, await list(asKafRelay(source, a, b)));
      await fill(source, numbered(a, 9, { partitions: 3, from: 20 }));
      assert.match((await once()).summary, /: 9 messages/);
      await fill(source, numbered(a, 9, { partitions: 3, from: 29 }));
      assert.match((await once()).summary, /: 9 messages/);
      assert.equal(new Set(await copied()).size, 38);
      assert.equal((await copied()).length, 38);
    });

    test('and pinned: one source partition can be followed, several cannot', async (t) => {
      if (!needs(t)) return;
      const one = await lab({ targetPartitions: 2 });
      await fill(one.source, numbered(one.a, 10));
      await fill(
        one.target,
        (await list(asKafRelay(one.source, one.a, one.b))).map((record) => ({ ...record, partition: 1 })),
      );
      await fill(one.source, numbered(one.a, 5, { from: 10 }));
      assert.match((await one.once({ topics: { [one.a]: `${one.b}:1` } })).summary, /: 5 messages/);
      const many = await lab({ partitions: 2 });
      await fill(many.source, numbered(many.a, 10, { partitions: 2 }));
      await fill(
        many.target,
        (await list(asKafRelay(many.source, many.a, many.b))).map((record) => ({ ...record, partition: 1 })),
      );
      assert.match(
        (await many.once({ topics: { [many.a]: `${many.b}:1` } })).text,
        /which of the source's 2 partitions they came from cannot be told/,
      );
    });

    test('with duplicates, markers or too many messages is refused', async (t) => {
      if (!needs(t)) return;
      const twice = await lab();
      await fill(twice.source, numbered(twice.a, 20));
      const copies = (await list(asKafRelay(twice.source, twice.a, twice.b))).slice(0, 10);
      await fill(twice.target, [...copies, copies[9]!]);
      const refused = await twice.once();
      assert.equal(refused.failed, 1);
      assert.match(refused.text, /partition 0 does not end with the source's message at 10.*--restart-topic/);
      const more = await lab();
      await fill(more.source, numbered(more.a, 2));
      await fill(more.target, numbered(more.b, 3));
      assert.match((await more.once()).text, /partition 0 holds 3 where the source has 2/);
      const marked = await lab();
      await fill(marked.source, numbered(marked.a, 20));
      await inTransaction(marked.target, 'commit', numbered(marked.b, 10));
      assert.match((await marked.once()).text, /has no message at 10 \(transaction markers or compaction\)/);
      assert.match((await marked.once({}, { restartTopic: [marked.a] })).summary, /: 20 messages/);
    });
  });

  test('a filter that throws, rejects or leaves errors behind ends neither other topics nor the gateway', async (t) => {
    if (!needs(t)) return;
    const [one, two, good] = [await lab(), await lab(), await lab()];
    const stray = `Promise.reject(new Error('stray')); setTimeout(() => { throw new Error('stray'); }); return true`;
    const dir = await mkdtemp(`${tmpdir()}/rafka-`);
    t.after(() => rm(dir, { recursive: true }));
    const filters: Record<string, object> = {};
    for (const [id, { a }, does] of [
      ['throws', one, 'throw new Error("no luck")'],
      ['rejects', two, 'return Promise.reject(new Error("no luck"))'],
      ['strays', good, stray],
    ] as const) {
      const module = `export const create = () => ({ id: '${id}', isAllowed() { ${does}; } });`;
      await writeFile(`${dir}/${id}.mjs`, module);
      filters[id] = { enabled: true, path: `${dir}/${id}.mjs`, topics: [a] };
    }
    const topics = Object.fromEntries([one, two, good].map(({ a, b }) => [a, b]));
    const port = await freePort();
    const app = { metrics_server_addr: `127.0.0.1:${port}` };
    const relay = parse(await good.toml({ topics, filters, app }));
    const config = { general: { 'bootstrap.servers': good.targetCluster.server.brokers }, relay };
    await writeFile(`${dir}/rafka.json`, JSON.stringify(config));
    const gateway = RelayProcess.gateway(['-c', `${dir}/rafka.json`, '--port', '0', '--unix-socket', `${dir}/s`]);
    t.after(() => gateway.kill('SIGKILL'));
    for (const { source, a } of [one, two, good]) await fill(source, numbered(a, 10));
    const stopped = () => gateway.lines.filter(({ msg }) => String(msg).startsWith('topic stopped'));
    await until('both stop', () => stopped().length === 2, 60_000);
    for (const { err } of stopped()) assert.match(String(err), /\[0\]@0: filter (throws|rejects) threw: no luck/);
    await fill(good.source, numbered(good.a, 10, { from: 10 }));
    await until('the other topic', async () => (await good.copied()).length === 20, 60_000);
    const redis = new Redis({ path: `${dir}/s`, retryStrategy: () => null });
    t.after(() => redis.disconnect());
    assert.equal(await redis.ping(), 'PONG');
    const said = gateway.lines.find(({ msg }) => String(msg).startsWith('a filter left an error unhandled'));
    assert.deepEqual([said?.filter, said?.why], ['strays', 'stray']);
    await until('all are counted', async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return Number(/filter_stray_errors_total\{filter="strays"\} (\d+)/.exec(text)?.[1]) >= 40;
    });
    gateway.kill('SIGTERM');
    assert.equal(await gateway.exited, 0, gateway.output);
  });

  test('a gateway configuration with a relay section runs it inside the process', async (t) => {
    if (!needs(t)) return;
    const { b, a, source, target, toml, copied } = await lab();
    const section = parse(await toml());
    const dir = await mkdtemp(`${tmpdir()}/rafka-`);
    t.after(() => rm(dir, { recursive: true }));
    await writeFile(
      `${dir}/rafka.json`,
      JSON.stringify({ general: { 'bootstrap.servers': target.brokers }, relay: section }),
    );
    const gateway = await RelayProcess.gateway(['-c', `${dir}/rafka.json`, '--port', '0', '--unix-socket', `${dir}/s`]);
    await fill(source, numbered(a, 10));
    await until('delivery', async () => (await copied()).length === 10);
    gateway.kill('SIGTERM');
    assert.equal(await gateway.exited, 0, gateway.output);
    assert.ok(headerText((await readAll(target, b))[0]![0]!.headers, '_t'));
  });
});
