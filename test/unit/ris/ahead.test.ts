// Messages dated ahead of the clock: they are published, and nothing else is moved by them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upTo } from '../../../src/ris/checkpoint/checkpoint.js';
import { AheadOfTime, placedBehind } from '../../../src/ris/feed/ahead.js';
import { envelopeOf, type LineEnvelope } from '../../../src/ris/feed/envelope.js';
import { bmp, header, Scene, until } from '../../support/ris-scene.js';

const halfAnHour = 1_800_000;

test('one UPDATE half an hour ahead is published with its own time; a hole after it is marked, and the lag is true', async (t) => {
  const scene = await Scene.open(t, { time: Date.now() - 10_000 });
  const first = await scene.replica('one', true);
  scene.send(30);
  await scene.published(30);
  const ahead = scene.sendAhead(halfAnHour);
  scene.send(29);
  await scene.published(60);
  const ids = scene.ids();
  assert.deepEqual([...ids].sort(), [...scene.sent].sort(), 'its peer is not silenced');
  const record = scene.records().find((each) => header(each, 'ris-id') === ahead);
  const seconds = record!.value!.readUInt32BE(40);
  assert.ok(seconds * 1_000 > Date.now() + halfAnHour - 60_000, 'its own time in the per-peer header');
  assert.equal(first.count('ris.ahead'), 1);
  const { lagMs } = first.collector.figures();
  assert.ok(lagMs! >= 9_000, `${lagMs}`);
  // It goes without a word, and nobody receives for a while.
  first.election.decide(false);
  await scene.cut('one');
  scene.skip(5_000);
  const second = await scene.replica('two', true);
  scene.send(30);
  await scene.published(90);
  assert.equal(second.count('ris.holes'), 1);
  assert.equal(scene.count(bmp.peerDown), 3, 'every session');
});

test('a replica that had received it publishes it no second time', async (t) => {
  const scene = await Scene.open(t, { time: Date.now() });
  const first = await scene.replica('one', true);
  const second = await scene.replica('two', false);
  scene.send(30);
  const ahead = scene.sendAhead(halfAnHour);
  scene.send(2);
  await scene.published(33);
  first.election.decide(false);
  second.election.decide(true);
  scene.send(30);
  await scene.published(63);
  assert.equal(scene.ids().filter((id) => id === ahead).length, 1);
  assert.equal(scene.count(bmp.peerDown), 0);
});

test('a KEEPALIVE of the year 2100 moves nothing', async (t) => {
  const scene = await Scene.open(t, { time: Date.now() });
  const only = await scene.replica('one', true);
  const keepalive = '"peer":"192.0.2.0","peer_asn":"64512","id":"x","host":"rrc13.ripe.net","type":"KEEPALIVE"';
  scene.sendLine(`{"type":"ris_message","data":{"timestamp":4102444800,${keepalive}}}`);
  scene.send(30);
  scene.sendLine(`{"type":"ris_message","data":{"timestamp":4102444800,${keepalive}}}`);
  scene.send(30);
  await scene.published(60);
  scene.assertExactlyOnce();
  await until(() => only.count('ris.ahead') === 2, 'both are counted');
});

const line = (peer: number, time: number): LineEnvelope => {
  const data = `"timestamp":${time / 1_000_000},"peer":"192.0.2.${peer}","id":"${peer}-${time}","host":"rrc13.ripe.net"`;
  return envelopeOf(`{"type":"ris_message","data":{${data},"type":"KEEPALIVE"}}`) as LineEnvelope;
};

test('a clock that is wrong is told from messages that are: the whole feed is ahead of it then', () => {
  let now = 1_000_000;
  const told: number[] = [];
  const ahead = new AheadOfTime(
    60_000,
    () => now,
    (ms) => told.push(ms),
  );
  const time = (now + 3_600_000) * 1_000;
  for (let n = 0; n < 200; n++) assert.equal(ahead.has(line(1, time), time), true, 'one peer alone');
  assert.equal(ahead.has(line(2, now * 1_000), now * 1_000), false);
  for (let n = 0; n < 99; n++) assert.equal(ahead.has(line(n % 5, time), time), true);
  assert.equal(ahead.has(line(1, time), time), false);
  assert.deepEqual(told, [3_600_000]);
  now += 3_600_000;
  assert.equal(ahead.has(line(1, time), time), false);
  assert.equal(ahead.has(line(1, time + 120_000_000), time + 120_000_000), true, 'set right, it counts again');
});

test('the place is just behind the feed time', () => {
  const { kind, seconds, micros } = placedBehind(line(1, 5), 1_999_999);
  assert.deepEqual({ kind, seconds, micros }, { kind: 'ahead', seconds: 2, micros: 0 });
});

test('recorded progress from the future ends now', () => {
  const published = {
    places: new Map([
      ['rrc13 a', [99, 5, 1, 'x'] as const],
      ['rrc13 b', [3, 5, 1] as const],
    ]),
    ids: new Map(),
  };
  const sane = upTo({ mark: 99_000_000, turn: 7, published, states: new Map() }, 10_000_001);
  assert.equal(sane.mark, 10_000_001);
  assert.deepEqual(
    [...sane.published.places.values()],
    [
      [10, 1, 0],
      [3, 5, 1],
    ],
  );
});
