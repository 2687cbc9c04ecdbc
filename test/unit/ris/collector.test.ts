// A collector from the websocket to Kafka in memory: what is published, in which order, once; take-overs, gaps and overflow.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Message } from '../../../src/core/ports.js';
import { Stats } from '../../../src/core/stats/stats.js';
import { createLog } from '../../../src/log.js';
import { Collector } from '../../../src/ris/collector.js';
import { type RisConfigInput, risSchema } from '../../../src/ris/config.js';
import type { Candidate, Election } from '../../../src/ris/leadership/elector.js';
import { realClock } from '../../support/clock.js';
import { FakeKafka } from '../../support/fake-kafka.js';
import { Generator, RisLiveServer } from '../../support/ris-live.js';

const log = createLog({ level: 'silent', pretty: false });
const bmp = { routeMonitoring: 0, peerDown: 2, peerUp: 3, initiation: 4, termination: 5 } as const;

/** An election that the test decides. */
class Decided implements Election {
  isLeader: boolean;
  /** Whether another replica has a feed that began earlier. */
  othersAreBetter = false;
  releases = 0;
  #candidate: Candidate | undefined;

  constructor(isLeader: boolean) {
    this.isLeader = isLeader;
  }

  start(candidate: Candidate): void {
    this.#candidate = candidate;
  }
  decide(isLeader: boolean): void {
    this.isLeader = isLeader;
    this.#candidate?.onChange();
  }
  leads = (): boolean => this.isLeader;
  hasOthers = (): boolean => this.othersAreBetter;
  hasBetter = (): boolean => this.othersAreBetter;
  term = (): string => 'test';
  async release(): Promise<void> {
    this.releases++;
    this.isLeader = false;
  }
  async close(): Promise<void> {
    this.isLeader = false;
  }
}

/** A stand-in of RIS Live, a Kafka, and the replicas of a test. */
class Scene {
  readonly kafka = new FakeKafka({ autoCreatePartitions: 1 });
  readonly generator = new Generator({ host: 'rrc13', peers: 3, rate: 1 });
  readonly sent: string[] = [];
  #time = 1_700_000_000_000;
  readonly #server: RisLiveServer;
  readonly #t: TestContext;

  private constructor(t: TestContext, server: RisLiveServer) {
    this.#t = t;
    this.#server = server;
  }

  static async open(t: TestContext): Promise<Scene> {
    const server = await RisLiveServer.start();
    const scene = new Scene(t, server);
    t.after(async () => {
      await server.stop();
      await scene.kafka.close();
    });
    return scene;
  }

  /** A replica that has subscribed. */
  async replica(name: string, isLeader: boolean, more: Partial<RisConfigInput> = {}): Promise<Replica> {
    const config = risSchema.parse({
      host: 'rrc13',
      url: this.#server.url,
      clientId: name,
      reorderMs: 50,
      commitMs: 5,
      backoffMinMs: 10,
      ...more,
    });
    const election = new Decided(isLeader);
    const stats = new Stats();
    const deps = { kafka: this.kafka, election, replica: name, version: 'test', clock: realClock, stats, log };
    const collector = new Collector('rrc13', config, { ...deps, random: Math.random });
    collector.start();
    this.#t.after(() => collector.drain());
    await until(() => this.#server.subscribers.includes(name), `${name} subscribes`);
    return { collector, election, count: (counter) => [...stats.labelled(counter).entries()][0]?.[1] ?? 0 };
  }

  /** Sends so many messages, a millisecond of feed time apart. */
  send(count: number): void {
    for (let i = 0; i < count; i++) {
      const { id, line } = this.generator.next(this.#time++);
      this.sent.push(id);
      this.#server.send('rrc13', line);
    }
  }

  /** A message of the present feed time that is not sent yet, but counts as sent. */
  take(): string {
    const { id, line } = this.generator.next(this.#time++);
    this.sent.push(id);
    return line;
  }

  /** Lets feed time pass. */
  skip(ms: number): void {
    this.#time += ms;
  }

  sendLine(line: string): void {
    this.#server.send('rrc13', line);
  }

  async cut(name: string): Promise<void> {
    this.#server.cut(name);
    await until(() => !this.#server.subscribers.includes(name), 'the cut');
  }

  ignore(name: string): void {
    this.#server.ignore(name);
  }

  async resubscribed(name: string): Promise<void> {
    await until(() => this.#server.subscribers.includes(name), 'the second subscription');
  }

  /** All committed records of the collector. */
  records(): Message[] {
    return [...this.kafka.topics.entries()]
      .filter(([name]) => name.startsWith('rrc13.'))
      .flatMap(([, { partitions }]) => partitions)
      .flatMap((partition) => {
        const all: Message[] = [];
        for (let found = partition.read(0, true); found; found = partition.read(found.offset + 1, true))
          all.push(found);
        return all;
      });
  }

  ids(): string[] {
    return this.records().flatMap((record) => header(record, 'ris-id') ?? []);
  }

  count(type: number): number {
    return this.records().filter(({ value }) => value?.[5] === type).length;
  }

  /** Waits until so many RIS messages are committed. */
  async published(count: number): Promise<void> {
    await until(() => this.ids().length >= count, `${count} published (there are ${this.ids().length})`);
  }

  /** Each sent message once, per peer in the order sent. */
  assertExactlyOnce(): void {
    const ids = this.ids();
    assert.equal(new Set(ids).size, ids.length, 'nothing twice');
    assert.deepEqual([...ids].sort(), [...this.sent].sort(), 'nothing missing, nothing else');
    const places = new Map<string, string>();
    for (const record of this.records()) {
      const id = header(record, 'ris-id');
      if (!id) continue;
      const peer = id.slice(0, id.lastIndexOf('-'));
      assert.ok(id > (places.get(peer) ?? ''), 'in order');
      places.set(peer, id);
    }
  }
}

interface Replica {
  readonly collector: Collector;
  readonly election: Decided;
  readonly count: (counter: Parameters<Stats['labelled']>[0]) => number;
}

const header = ({ headers }: Message, name: string): string | undefined =>
  headers.find(({ key }) => key === name)?.value?.toString();

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

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
  const first = await scene.replica('one', true, { reorderMs: 200 });
  const second = await scene.replica('two', false, { reorderMs: 200 });
  first.election.othersAreBetter = true;
  scene.send(30);
  await scene.published(30);
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
