// The relay on Kafka in memory: copying, stopping at the end, going on after a restart.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import { relayOps } from '../../../src/app/console.js';
import { Relay } from '../../../src/relay/relay.js';
import { realClock } from '../../support/clock.js';
import { FakeKafka } from '../../support/fake-kafka.js';
import { fakeLab } from '../../support/relay-fake-lab.js';
import {
  ended,
  fill,
  headerText,
  type Lab,
  metric,
  numbered,
  readAll,
  relayConfig,
  startRelay,
  until,
  valuesOf,
} from '../../support/relay-lab.js';

function lab(sources = 1): Lab & { sources: FakeKafka[]; target: FakeKafka } {
  const made = Array.from({ length: sources }, () => new FakeKafka({ autoCreatePartitions: 0 }));
  return { sources: made, target: new FakeKafka({ autoCreatePartitions: 0 }) };
}

const oneTopic = { topics: { a: 'b' } };

describe('relay on Kafka in memory', () => {
  test('copies to the end, with headers, and says so', async () => {
    const { sources, target } = lab();
    sources[0]!.createTopic('a', 2);
    target.createTopic('b', 2);
    await fill(sources[0]!, numbered('a', 100, { partitions: 2 }));
    const started = await startRelay({ sources, target }, await relayConfig(oneTopic, { stopAtEnd: true }));
    const outcome = await started.relay.finished;
    assert.equal(outcome.failed, 0);
    assert.match(outcome.summary, /^relayed 1 topic: 100 messages, \d+ bytes in [\d.]+ s, 0 skipped, 0 filtered$/);
    const copied = await readAll(target, 'b');
    assert.deepEqual(
      copied.map((messages) => messages.length),
      [50, 50],
    );
    assert.match(headerText(copied[0]![0]!.headers, '_t') ?? '', /^\d+000000$/);
    await started.stop();
  });

  test('goes on where it left off', async () => {
    const { sources, target } = lab();
    sources[0]!.createTopic('a', 2);
    target.createTopic('b', 2);
    for (let run = 0; run < 3; run++) {
      await fill(sources[0]!, numbered('a', 40, { partitions: 2, from: run * 40 }));
      const started = await startRelay({ sources, target }, await relayConfig(oneTopic, { stopAtEnd: true }));
      assert.equal((await started.relay.finished).failed, 0);
      await started.stop();
    }
    const values = valuesOf(await readAll(target, 'b'));
    assert.equal(values.length, 120);
    assert.equal(new Set(values).size, 120);
  });

  test('follows, and counts by name and label', async () => {
    const { sources, target } = lab();
    sources[0]!.createTopic('a', 1);
    target.createTopic('b', 1);
    const started = await startRelay({ sources, target }, await relayConfig(oneTopic));
    await fill(sources[0]!, numbered('a', 10));
    await until(
      'delivery',
      async () =>
        metric(await started.metrics(), 'kafka_relay_msg_count', { source: 'a', destination: 'b', partition: '0' }) ===
        10,
    );
    assert.equal(await started.stop(), 0);
    assert.equal(valuesOf(await readAll(target, 'b')).length, 10);
  });

  test('its port answers as kaf-relay, with its own states', async (t) => {
    const { source, run } = fakeLab();
    const started = await run();
    t.after(() => started.stop());
    const ask = async (path: string, method = 'GET') => {
      const answer = await fetch(`http://127.0.0.1:${started.relay.metricsPort}${path}`, { method });
      return [answer.status, answer.headers.get('content-type'), await answer.text()];
    };
    const plain = 'text/plain; version=0.0.4; charset=utf-8';
    await until('ready', async () => (await ask('/readyz'))[0] === 200);
    assert.deepEqual(await ask('/readyz'), [
      200,
      'application/json',
      '{"ready":true,"topics":{"a -> b":"relaying"}}\n',
    ]);
    assert.deepEqual(await ask('/healthz?x=1'), [200, plain, 'ok\n']);
    assert.deepEqual(await ask('/healthz', 'HEAD'), [200, plain, '']);
    assert.deepEqual(await ask('/metrics', 'POST'), [405, plain, 'method not allowed\n']);
    assert.deepEqual(await ask('/elsewhere'), [404, plain, 'not found\n']);
    const [status, type, text] = await ask('/metrics');
    assert.deepEqual([status, type], [200, plain]);
    assert.match(String(text), /^# HELP kafka_relay_/);
    assert.doesNotMatch(String(text), /rafka_|process_/);
    source.faults.unreachable = true;
    await until('not ready', async () => (await ask('/readyz'))[0] === 503);
  });

  test('an order to stop that comes while it starts is not lost', async () => {
    const { sources, target } = lab();
    sources[0]!.createTopic('a', 1);
    target.createTopic('b', 1);
    const factories = [target, ...sources];
    let go: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const log = pino({ level: 'silent' });
    const relay = new Relay({
      config: await relayConfig(oneTopic),
      createKafka: () => held.then(() => factories.shift()!),
      clock: realClock,
      ops: relayOps({ clock: realClock, log }),
      log,
    });
    const starting = relay.start();
    await relay.drain();
    go();
    await starting;
    assert.equal((await relay.finished).failed, 0);
    await relay.close();
  });

  test('L7, L8: a topic that is recreated under way stops the relay of it', async (t) => {
    for (const side of ['source', 'target'] as const) {
      const { source, target, run, copied } = fakeLab();
      await fill(source, numbered('a', 10));
      const started = await run();
      t.after(() => started.stop());
      await until('the messages', async () => (await copied()).length === 10);
      (side === 'source' ? source : target).createTopic(side === 'source' ? 'a' : 'b', 1);
      assert.equal((await ended(started, 20_000)).failed, 1, side);
      assert.match(
        JSON.stringify(started.lines),
        side === 'source' ? /source topic a is not the one that was relayed before/ : /target topic b was recreated/,
      );
      await started.stop();
    }
  });

  test('a bar on a terminal', async () => {
    const { source, target } = fakeLab();
    await fill(source, numbered('a', 10));
    let drawn = '';
    const terminal = {
      columns: 60,
      write: (text: string) => {
        drawn += text;
      },
    };
    const started = await startRelay({ sources: [source], target }, await relayConfig({}), { terminal });
    await until('a bar', () => drawn.includes('100%'));
    await started.stop();
    assert.match(drawn, /\r\[=+\] 100% 10 messages/);
  });
});
