// A collector from the websocket to Kafka in memory: what is published, in which order, once; take-overs, gaps and overflow.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bmp, header, Scene, until } from '../../support/ris-scene.js';

test('publishes every message once, after an Initiation and a Peer Up for each topic', async (t) => {
  const scene = await Scene.open(t);
  await scene.replica('one', true);
  scene.send(300);
  await scene.published(300);
  scene.assertExactlyOnce();
  assert.equal(scene.count(bmp.peerUp), 3);
  assert.equal(scene.count(bmp.initiation), 4, 'three peers and the collector itself');
  const [first, second, third] = scene.records().filter(({ topic }) => topic === 'rrc13.64512.bmp_raw');
  assert.equal(first?.value?.[5], bmp.initiation);
  assert.equal(second?.value?.[5], bmp.peerUp);
  assert.equal(header(second!, 'synthetic'), '1');
  assert.equal(third?.key?.toString(), '192.0.2.0');
  assert.equal(header(third!, 'host'), 'rrc13');
  assert.equal(third?.timestamp, 1_700_000_000_000);
});

test('an orderly stop publishes what was received and ends with Termination; a restart repeats nothing', async (t) => {
  const scene = await Scene.open(t);
  const first = await scene.replica('one', true);
  scene.send(100);
  await scene.published(50);
  await first.collector.drain();
  assert.equal(first.collector.close(), 0);
  scene.assertExactlyOnce();
  assert.equal(scene.count(bmp.termination), 4, 'in every topic');
  await scene.replica('two', true);
  scene.send(100);
  await scene.published(200);
  scene.assertExactlyOnce();
  assert.equal(scene.count(bmp.peerUp), 6, 'Termination ended the sessions');
  assert.equal(scene.count(bmp.peerDown), 0);
});

test('a standby goes on exactly where the leader was', async (t) => {
  const scene = await Scene.open(t);
  const first = await scene.replica('one', true);
  const second = await scene.replica('two', false);
  scene.send(500);
  await scene.published(100);
  scene.send(500);
  first.election.decide(false);
  second.election.decide(true);
  scene.send(500);
  await scene.published(1_500);
  scene.assertExactlyOnce();
  assert.equal(scene.count(bmp.peerUp), 3, 'no session is brought up again');
  assert.equal(scene.count(bmp.peerDown), 0);
});

test('a leader that does not know that it was replaced cannot write', async (t) => {
  const scene = await Scene.open(t);
  const first = await scene.replica('one', true);
  const second = await scene.replica('two', false);
  scene.send(100);
  await scene.published(50);
  // Both believe that they lead: Kafka lets only the last one write.
  second.election.decide(true);
  await until(() => second.collector.figures().leader, 'the second leads');
  first.election.decide(false);
  scene.send(100);
  await scene.published(200);
  scene.assertExactlyOnce();
});

test('a leader alone marks the hole that a gap leaves', async (t) => {
  const scene = await Scene.open(t);
  const only = await scene.replica('one', true);
  scene.send(30);
  await scene.published(30);
  await scene.cut('one');
  await scene.resubscribed('one');
  scene.skip(1000);
  scene.send(30);
  await scene.published(60);
  scene.assertExactlyOnce();
  assert.equal(only.count('ris.holes'), 1);
  assert.equal(scene.count(bmp.peerDown), 3, 'each session is interrupted');
  assert.equal(scene.count(bmp.peerUp), 6);
});

test('a leader with a gap steps down for a standby without one, and publishes nothing from after the gap', async (t) => {
  const scene = await Scene.open(t);
  const first = await scene.replica('one', true);
  const second = await scene.replica('two', false);
  scene.send(30);
  await scene.published(30);
  first.election.othersAreBetter = true;
  await scene.cut('one');
  await until(() => first.election.releases > 0, 'the leader steps down');
  scene.send(30);
  second.election.decide(true);
  await scene.resubscribed('one');
  scene.send(30);
  await scene.published(90);
  scene.assertExactlyOnce();
  assert.equal(scene.count(bmp.peerDown), 0, 'there is no hole');
  assert.equal(first.count('ris.stepdowns'), 1);
});

test('what a leader holds when its feed ends is left to its successor, who has what belongs in front of it', async (t) => {
  const scene = await Scene.open(t);
  const first = await scene.replica('one', true, { reorderMs: 300 });
  const second = await scene.replica('two', false, { reorderMs: 300 });
  scene.send(30);
  await scene.published(30);
  first.election.othersAreBetter = true;
  scene.skip(10);
  const missed = scene.take();
  scene.send(3);
  await until(() => first.collector.figures().received === 33, 'the leader has the later ones');
  await scene.cut('one');
  scene.sendLine(missed);
  await until(() => first.election.releases > 0, 'the leader steps down');
  await scene.resubscribed('one');
  second.election.decide(true);
  await scene.published(34);
  scene.assertExactlyOnce();
});

test('what a replica holds when its feed ends it does not publish when it is elected later either', async (t) => {
  const scene = await Scene.open(t);
  // Its feed comes back long after the window is over.
  const first = await scene.replica('one', false, { reorderMs: 200, backoffMinMs: 800 });
  const second = await scene.replica('two', true, { reorderMs: 200 });
  first.election.othersAreBetter = true;
  scene.send(30);
  await scene.published(30);
  second.election.decide(false);
  await until(() => !second.collector.figures().leader, 'nobody leads');
  scene.skip(10);
  const missed = scene.take();
  scene.send(3);
  await until(() => first.collector.figures().received === 33, 'it has the later ones');
  await scene.cut('one');
  scene.sendLine(missed);
  await scene.resubscribed('one');
  scene.skip(1000);
  scene.send(3);
  await until(() => first.collector.figures().connected, 'its feed is back');
  first.election.decide(true);
  await until(() => first.election.releases > 0, 'it leaves the lead to one without a gap');
  second.election.decide(true);
  await scene.published(37);
  scene.assertExactlyOnce();
  assert.equal(scene.count(bmp.peerDown), 0, 'there is no hole');
});

test('a leader that is stopped leaves what it holds to its successor, however long its sockets take to close', async (t) => {
  const scene = await Scene.open(t);
  // Long enough for a busy machine: what comes after its window is late, whoever stops.
  const first = await scene.replica('one', true, { reorderMs: 1_000 });
  const second = await scene.replica('two', false, { reorderMs: 1_000 });
  scene.send(30);
  await scene.published(30);
  // Before its first message a leader without a feed would give way to others.
  first.election.othersAreBetter = true;
  scene.skip(10);
  const missed = scene.take();
  scene.send(3);
  await until(() => first.collector.figures().received === 33, 'it has the later ones');
  scene.ignore('one');
  const drained = first.collector.drain();
  scene.sendLine(missed);
  await drained;
  second.election.decide(true);
  await scene.published(34);
  scene.assertExactlyOnce();
});

test('a process that stood still reads its socket before it lets go of what it holds', async (t) => {
  const scene = await Scene.open(t);
  const only = await scene.replica('one', true, { reorderMs: 300 });
  scene.send(3);
  await scene.published(3);
  const overtaken = scene.take();
  scene.send(3);
  await until(() => only.collector.figures().received === 6, 'the later ones are held');
  scene.sendLine(overtaken);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  await scene.published(7);
  scene.assertExactlyOnce();
});

test('a successor that was not there in time marks a hole', async (t) => {
  const scene = await Scene.open(t);
  const first = await scene.replica('one', true);
  scene.send(30);
  await scene.published(30);
  first.election.decide(false);
  scene.skip(1000);
  const second = await scene.replica('two', true);
  scene.send(30);
  await scene.published(60);
  scene.assertExactlyOnce();
  assert.equal(second.count('ris.holes'), 1);
  assert.equal(scene.count(bmp.peerDown), 3);
});

test('when Kafka stalls for longer than the buffer holds, the oldest go and their peers are marked', async (t) => {
  const scene = await Scene.open(t);
  const only = await scene.replica('one', true, { bufferBytes: 65_536 });
  scene.send(3);
  await scene.published(3);
  scene.kafka.faults.stalled = true;
  scene.send(1_000);
  await until(() => only.count('ris.dropped') > 0, 'messages are dropped');
  await until(() => only.collector.figures().backlogBytes <= 65_536 * 2, 'the backlog is bounded');
  scene.kafka.unstall();
  // Nothing of the burst is on its way any more: it could crowd out the messages that bring the sessions up again.
  await until(() => scene.ids().length + only.count('ris.dropped') === scene.sent.length, 'the burst is over');
  scene.send(3);
  await until(() => scene.ids().includes(scene.sent.at(-1)!), 'the last one is published');
  const ids = scene.ids();
  assert.equal(new Set(ids).size, ids.length, 'nothing twice');
  assert.equal(ids.length + only.count('ris.dropped'), scene.sent.length, 'every message is published or counted');
  assert.ok(scene.count(bmp.peerDown) > 0);
  assert.equal(scene.count(bmp.peerUp) - scene.count(bmp.peerDown), 3, 'every session is up again');
});

test('messages that overtook one another leave in order; those of a second socket are dropped', async (t) => {
  const scene = await Scene.open(t);
  const only = await scene.replica('one', true);
  const lines = Array.from({ length: 60 }, (_, i) => scene.generator.next(1_700_000_000_000 + i));
  for (const { id } of lines) scene.sent.push(id);
  for (const { line } of [...lines].reverse()) scene.sendLine(line);
  for (const { line } of lines) scene.sendLine(line);
  await scene.published(60);
  scene.assertExactlyOnce();
  assert.equal(only.count('ris.duplicates'), 60);
});

test('one that comes after its window is dropped and counted', async (t) => {
  const scene = await Scene.open(t);
  const only = await scene.replica('one', true);
  const late = scene.generator.next(1_600_000_000_000);
  scene.send(30);
  await scene.published(30);
  scene.sendLine(late.line);
  await until(() => only.count('ris.late') === 1, 'it is counted');
  scene.send(3);
  await scene.published(33);
  scene.assertExactlyOnce();
});

test('late: publish publishes it, out of order', async (t) => {
  const scene = await Scene.open(t);
  await scene.replica('one', true, { late: 'publish' });
  const late = scene.generator.next(1_600_000_000_000);
  scene.send(30);
  await scene.published(30);
  scene.sendLine(late.line);
  await until(() => scene.ids().includes(late.id), 'it is published');
});

test('a record that Kafka refuses is written again with its whole transaction', async (t) => {
  const scene = await Scene.open(t);
  let refusals = 2;
  scene.kafka.faults.delivery = ({ topic }) =>
    topic.startsWith('rrc13.') && refusals-- > 0
      ? { code: -192, message: 'Local: Message timed out', fatal: false, retriable: true, abortable: true }
      : undefined;
  const only = await scene.replica('one', true);
  scene.send(100);
  await scene.published(100);
  scene.assertExactlyOnce();
  assert.ok(only.count('ris.terms.failed') > 0);
});

test('bad lines are counted by their reason and disturb nobody', async (t) => {
  const scene = await Scene.open(t);
  const only = await scene.replica('one', true);
  scene.sendLine('not json');
  scene.sendLine(
    '{"type":"ris_message","data":{"timestamp":1,"peer":"192.0.2.1","host":"rrc13","id":"x","type":"WHAT"}}',
  );
  scene.send(10);
  await scene.published(10);
  scene.assertExactlyOnce();
  assert.ok(only.count('ris.malformed') > 0);
});

test('a line whose JSON is odd is published from its raw PDU, and counted by reason', async (t) => {
  const scene = await Scene.open(t);
  const only = await scene.replica('one', true);
  scene.sendLine(scene.take().replace('"community":[]', '"med":null,"community":["64512:1"]'));
  scene.send(10);
  await scene.published(11);
  scene.assertExactlyOnce();
  assert.equal(only.count('ris.json.odd'), 2);
  assert.equal(only.count('ris.malformed'), 0);
  const samples = scene.lines.filter(({ reasons }) => reasons !== undefined);
  assert.deepEqual(
    samples.map(({ reasons }) => [...(reasons as string[])].sort()),
    [['community', 'med']],
  );
});
