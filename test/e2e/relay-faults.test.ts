// What a relay says and does when its sources, or what it records its progress in, change or go: on two real clusters.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { addPartitions, makeTopic, openKafka } from '../support/relay-clusters.js';
import { ended, fill, metric, numbered, relayConfig, type Started, startRelay, until } from '../support/relay-lab.js';
import { RelayProcess } from '../support/relay-process.js';
import { relayStages } from '../support/relay-stage.js';

const ready = async ({ relay }: Started) => (await fetch(`http://127.0.0.1:${relay.metricsPort}/readyz`)).status;
const errorsOf = async (started: Started) => metric(await started.metrics(), 'kafka_relay_source_errors_total') ?? 0;

describe('a relay in trouble', { timeout: 600_000 }, () => {
  const { lab, needs } = relayStages(1);

  test('the only source is frozen: not ready, one line with server and cause; ready again when it answers', async (t) => {
    if (!needs(t)) return;
    const { a, source, sources, run, copied } = await lab();
    const { server } = sources[0]!;
    await fill(source, numbered(a, 10));
    const started = await run({ source_pool: { request_timeout: '2s' } });
    await until('the messages', async () => (await copied()).length === 10);
    await until('ready', async () => (await ready(started)) === 200);
    const before = await errorsOf(started);
    const lines = started.lines.length;
    server.pause();
    t.after(() => server.resume());
    await until('not ready', async () => (await ready(started)) === 503);
    const silent = () => started.lines.slice(lines).filter(({ msg }) => msg === 'a source does not answer');
    assert.deepEqual(
      silent().map(({ broker }) => broker),
      [server.brokers],
    );
    assert.match(String(silent()[0]?.err), /no answer within 2000 ms/);
    await until('more checks', async () => (await errorsOf(started)) > before + 2);
    assert.equal(silent().length, 1, 'said once');
    server.resume();
    await until('ready', async () => (await ready(started)) === 200);
    await fill(source, numbered(a, 10, { from: 10 }));
    await until('the rest', async () => (await copied()).length === 20);
    await started.stop();
  });

  test("the only source's topic is deleted: not ready, and the cause is named", async (t) => {
    if (!needs(t)) return;
    const { a, source, run, copied } = await lab();
    await fill(source, numbered(a, 10));
    const started = await run();
    await until('the messages', async () => (await copied()).length === 10);
    await source.admin.deleteTopic(a);
    await until('not ready', async () => (await ready(started)) === 503);
    await until('the cause', () => started.text().includes(`source topic ${a} does not exist`));
    await started.stop();
  });

  test('sources that cannot be reached: server and cause', async (t) => {
    if (!needs(t)) return;
    const { a, b, target } = await lab();
    for (const [brokers, cause] of [
      ['127.0.0.1:1', /Connection refused/],
      ['nowhere.invalid:9092', /resolve/],
    ] as const) {
      const bad = await openKafka(brokers);
      const over = { topics: { [a]: b }, source_pool: { max_retries: 40 } };
      const started = await startRelay({ sources: [bad], target }, await relayConfig(over));
      t.after(() => Promise.all([started.stop(), bad.close()]));
      await until('the cause', () =>
        started.lines.some(
          ({ broker, err, level }) => Number(level) === 40 && broker === brokers && cause.test(String(err)),
        ),
      );
      assert.ok((await errorsOf(started)) > 0);
      await started.stop();
    }
  });

  test('the checkpoint topic is deleted under way: one error names it and where the topic was, the topic stops', async (t) => {
    if (!needs(t)) return;
    const { a, source, target, run, copied } = await lab();
    await fill(source, numbered(a, 10));
    const started = await run({ target: { checkpoint_topic: 'progress' } });
    await until('the messages', async () => (await copied()).length === 10);
    await target.admin.deleteTopic('progress');
    assert.equal((await ended(started)).failed, 1);
    const errors = started.lines.filter(({ level }) => Number(level) >= 50);
    assert.equal(errors.length, 1, JSON.stringify(errors));
    assert.match(
      String(errors[0]?.err),
      new RegExp(`checkpoint topic progress was deleted .* ${a}\\[0\\]@10: go on there with`),
    );
    await started.stop();
  });

  test('a source that was replaced by its twin: the text tells of --mode failover, which goes on', async (t) => {
    if (!needs(t)) return;
    const { a, b, source, target, once, copied } = await lab();
    await fill(source, numbered(a, 10));
    await once();
    await makeTopic(target, a, 1);
    await fill(target, numbered(a, 15));
    const over = { topics: { [a]: b } };
    for (const [mode, result] of [
      ['single', /not the one that was relayed before.*--mode failover/],
      ['failover', /: 5 messages/],
    ] as const) {
      const started = await startRelay(
        { sources: [target], target },
        await relayConfig(over, { mode, stopAtEnd: true }),
      );
      const { summary } = await ended(started);
      assert.match(JSON.stringify(started.lines) + summary, result);
      await started.stop();
    }
    assert.equal((await copied()).length, 15);
  });

  test('a source that gains partitions: the target gets them with create_topics; else the topic waits for them', async (t) => {
    if (!needs(t)) return;
    for (const create of [true, false]) {
      const { a, b, source, sources, target, targetCluster, run, copied } = await lab();
      await fill(source, numbered(a, 10));
      const started = await run({ target: { create_topics: create } });
      await until('the messages', async () => (await copied()).length === 10);
      await addPartitions(sources[0]!, a, 2);
      await fill(source, numbered(a, 10, { partitions: 2, from: 10 }));
      if (!create) {
        await until('it says so', () => started.text().includes('2 partitions by now, the target only 1'));
        assert.equal(await ready(started), 503);
        await addPartitions(targetCluster, b, 2);
      }
      await until('the rest', async () => (await copied()).length === 20, 60_000);
      assert.equal((await target.admin.topics([b]))[0]?.partitions.length, 2);
      await started.stop();
    }
  });

  test('source and target are the same topic: refused', async (t) => {
    if (!needs(t)) return;
    const { b, target } = await lab();
    const config = await relayConfig({ topics: { [b]: b } });
    const started = await startRelay({ sources: [target], target }, config);
    assert.equal((await ended(started)).failed, 1);
    assert.match(JSON.stringify(started.lines), /source and target are the same topic of the same cluster/);
    await started.stop();
  });

  test('--start-at: after its record of progress was lost a topic goes on where it was', async (t) => {
    if (!needs(t)) return;
    const { a, source, once, copied } = await lab({ partitions: 2 });
    await fill(source, numbered(a, 20, { partitions: 2 }));
    await once();
    await fill(source, numbered(a, 10, { partitions: 2, from: 20 }));
    const lost = { target: { checkpoint_topic: 'another' } };
    assert.equal((await once(lost)).failed, 1, 'without a record it is refused');
    assert.match((await once(lost, { startAt: [`${a}:0:10`] })).text, /:1:OFFSET is needed too/);
    assert.match((await once(lost, { startAt: [`${a}:0:10`, `${a}:1:99`] })).text, /the partition ends at 15/);
    const outcome = await once(lost, { startAt: [`${a}:0:10`, `${a}:1:10`] });
    assert.match(outcome.summary, /: 10 messages/, outcome.text);
    assert.match((await once(lost)).summary, /: 0 messages/);
    assert.equal(new Set(await copied()).size, 30);
    assert.equal((await copied()).length, 30);
  });

  test('skip_origin: copies from A to B and back from B to A end', async (t) => {
    if (!needs(t)) return;
    const { a, b, source, target, copied, original } = await lab();
    const one = (from: typeof source, to: typeof source, topics: Record<string, string>) =>
      relayConfig({ skip_origin: true, topics }, { stopAtEnd: true }).then((config) =>
        startRelay({ sources: [from], target: to }, config),
      );
    await fill(source, numbered(a, 5, { prefix: 'from a' }));
    await fill(target, numbered(b, 5, { prefix: 'from b' }));
    // Each direction adopts nothing: both topics hold messages of their own.
    const there = { startAt: [`${a}:0:0`] };
    const first = await startRelay(
      { sources: [source], target },
      await relayConfig({ skip_origin: true, topics: { [a]: b } }, { stopAtEnd: true, ...there }),
    );
    assert.match((await ended(first)).summary, /: 5 messages.* 0 filtered/);
    await first.stop();
    const back = await startRelay(
      { sources: [target], target: source },
      await relayConfig({ skip_origin: true, topics: { [b]: a } }, { stopAtEnd: true, startAt: [`${b}:0:0`] }),
    );
    assert.match((await ended(back)).summary, /: 5 messages.* 5 filtered/);
    await back.stop();
    const again = await one(source, target, { [a]: b });
    assert.match((await ended(again)).summary, /: 0 messages.* 5 filtered/);
    await again.stop();
    assert.equal((await copied()).length, 10);
    assert.equal((await original()).length, 10);
  });

  test("a warning when the target's retention deletes what keeps its own time", async (t) => {
    if (!needs(t)) return;
    const { a, b, source, target, once } = await lab({ targetPartitions: 0 });
    await target.admin.createTopic({ name: b, partitions: 1, config: { 'retention.ms': '86400000' } });
    const old = Date.now() - 2 * 86_400_000;
    await fill(source, [{ topic: a, partition: 0, key: null, value: Buffer.from('old'), timestamp: old }]);
    assert.match((await once()).text, /the target's retention\.ms deletes them soon/);
  });

  test('as a process: SIGHUP does not end it, SIGTERM at any moment ends it with 0, flags as kaf-relay has them', async (t) => {
    if (!needs(t)) return;
    const { a, b, source, toml, copied } = await lab();
    await fill(source, numbered(a, 10));
    const text = await toml({ topics: {} });
    const relay = await RelayProcess.start(text, ['--topic', `${a}:${b},x:y`, '--stop-at-end=false']);
    await until('the messages', async () => (await copied()).length === 10);
    relay.kill('SIGHUP');
    await until('a line', () => relay.line('passwords were read again') !== undefined);
    await fill(source, numbered(a, 10, { from: 10 }));
    await until('the rest', async () => (await copied()).length === 20);
    relay.kill('SIGTERM');
    assert.equal(await relay.exited, 0, relay.output);
    const early = await RelayProcess.start(text, ['--topic', `${a}:${b}`]);
    await until('its first line', () => early.line('starting') !== undefined);
    early.kill('SIGTERM');
    assert.equal(await early.exited, 0, early.output);
    const dir = await mkdtemp(join(tmpdir(), 'rafka-filters-'));
    t.after(() => rm(dir, { recursive: true }));
    const filters = [21, 22].map((dropped) => join(dir, `${dropped}.mjs`));
    for (const [n, path] of filters.entries()) {
      const create = `(config) => ({ id: '${n + 21}', isAllowed: ({ offset }) => offset !== ${n + 21} })`;
      await writeFile(path, `export const create = ${create};`);
    }
    await fill(source, numbered(a, 5, { from: 20 }));
    const list = ['--filter', filters.join(',')];
    const end = await RelayProcess.start(text, ['--topic', `${a}:${b}`, '--stop-at-end=true', ...list]);
    assert.equal(await end.exited, 0, end.output);
    assert.deepEqual((await copied()).slice(20), ['value20', 'value23', 'value24'], 'both filters of the list');
    const version = await RelayProcess.start(text, ['--version']);
    assert.equal(await version.exited, 0);
    assert.match(version.output, /^\d+\.\d+\.\d+/);
  });
});
