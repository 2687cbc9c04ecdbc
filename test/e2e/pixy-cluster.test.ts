// The REST listener on a cluster of three: that has only just started, that loses its nodes one after another, whose partitions have no leader.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { KafkaFactory } from '../../src/core/ports.js';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { type Pixy, silent, startPixy, until } from '../support/pixy-lab.js';

const why = whyNoKafka();
const nodes = [0, 1, 2];
const patienceMs = 60_000;

describe('a cluster of three', { timeout: 600_000 }, () => {
  let server: KafkaServer;
  let kafka: KafkaFactory;
  let pixy: Pixy;
  before(async () => {
    if (why) return;
    server = await KafkaServer.start({ nodes: nodes.length });
    kafka = await createKafkaFactory({ general: { 'bootstrap.servers': server.brokers }, log: silent });
    pixy = await startPixy(server.brokers, { consumer: { long_polling_timeout: '1s' } });
  });
  after(async () => {
    await pixy?.stop();
    await kafka?.close();
    await server?.stop();
  });

  /** Until every node has its part of the topic. */
  async function create(name: string, replicationFactor: number): Promise<void> {
    await kafka.admin.createTopic({ name, partitions: 6, replicationFactor });
    await wholeAgain(name, replicationFactor);
  }

  const partitionsOf = async (name: string): Promise<{ partition: number; leader: number; isr: number[] }[]> =>
    (await pixy.ask(`/topics/${name}?withPartitions`)).json?.partitions ?? [];

  const wholeAgain = (name: string, replicationFactor: number) =>
    until(
      () => partitionsOf(name),
      (all) => all.length > 0 && all.every(({ leader, isr }) => leader > 0 && isr.length === replicationFactor),
      patienceMs,
    );

  const put = (name: string, value: string) =>
    pixy.ask(`/topics/${name}/messages?sync`, {
      method: 'POST',
      body: value,
      headers: { 'content-type': 'text/plain' },
    });

  it('has only just started: offsets can be set, whenever its coordinators come', async (t) => {
    if (!met(t, why)) return;
    await create('spread', 1);
    const body = JSON.stringify(Array.from({ length: 6 }, (_, partition) => ({ partition, offset: 0 })));
    const answer = await pixy.ask('/topics/spread/offsets?group=early', { method: 'POST', body });
    assert.deepEqual([answer.status, answer.text], [200, '{}']);
  });

  it('each node is killed and comes back while requests go on: nothing acknowledged is lost, both directions go on', async (t) => {
    if (!met(t, why)) return;
    await create('durable', 3);
    const traffic = new Traffic(pixy, (value) => put('durable', value));
    const running = traffic.run();
    await traffic.goesOn();
    for (const node of nodes) {
      await server.kill9(node);
      await traffic.goesOn();
      await server.restart(node);
      await wholeAgain('durable', 3);
      await traffic.goesOn();
    }
    traffic.endProducing();
    await until(
      () => traffic.missing,
      (missing) => missing.length === 0,
      patienceMs,
    );
    traffic.end();
    await running;
  });

  it('partitions without a leader: the others are written and read, also by a group that is new; theirs come with their node', async (t) => {
    if (!met(t, why)) return;
    await create('lonely', 1);
    const values = Array.from({ length: 60 }, (_, number) => `early ${number}`);
    for (const value of values) assert.equal((await put('lonely', value)).status, 200);
    const lost = (await partitionsOf('lonely')).filter(({ leader }) => leader === 3).map(({ partition }) => partition);
    assert.ok(lost.length > 0 && lost.length < 6);
    await server.kill9(2);
    await until(
      () => partitionsOf('lonely'),
      (all) => lost.every((partition) => all[partition]?.leader === -1),
      patienceMs,
    );
    const offsets = await pixy.ask('/topics/lonely/offsets?group=new');
    assert.deepEqual([offsets.status, offsets.json.error], [500, 'Broker: Leader not available']);
    // A message that is under way when the leader goes waits for it; from the next look on none does.
    let inRow = 0;
    await until(
      async () => {
        const value = `late ${values.length}`;
        const { status, json } = await put('lonely', value);
        inRow = status === 200 && !lost.includes(json.partition) ? inRow + 1 : 0;
        if (status === 200) values.push(value);
        return inRow;
      },
      (length) => length === 50,
      patienceMs,
    );
    const got = new Set<string>();
    const read = async () => {
      const { status, json } = await pixy.poll('lonely', 'new');
      if (status === 200) got.add(Buffer.from(json.value, 'base64').toString());
      return status;
    };
    await until(read, () => values.slice(60).every((value) => got.has(value)), patienceMs);
    assert.ok(values.some((value) => !got.has(value)));
    await server.restart(2);
    await until(read, () => values.every((value) => got.has(value)), patienceMs);
  });
});

/** Producers and consumers that go on whatever they are told, and what came of it. */
class Traffic {
  readonly #pixy: Pixy;
  readonly #put: (value: string) => Promise<{ status: number }>;
  readonly #acknowledged = new Set<string>();
  readonly #got = new Set<string>();
  #sent = 0;
  #isProducing = true;
  #isConsuming = true;

  constructor(pixy: Pixy, put: (value: string) => Promise<{ status: number }>) {
    this.#pixy = pixy;
    this.#put = put;
  }

  async run(): Promise<void> {
    const loops = [1, 2, 3, 4].flatMap(() => [this.#produce(), this.#consume()]);
    await Promise.all(loops);
  }

  /** Acknowledged and never seen. */
  get missing(): string[] {
    return [...this.#acknowledged].filter((value) => !this.#got.has(value));
  }

  /** Until messages that are sent from now on are acknowledged and read. */
  async goesOn(): Promise<void> {
    const from = this.#sent;
    const numbers = (values: Set<string>) => [...values].filter((value) => Number(value) >= from).length;
    await until(
      () => [numbers(this.#acknowledged), numbers(this.#got)],
      ([acknowledged, got]) => acknowledged! >= 50 && got! >= 50,
      patienceMs,
    );
  }

  endProducing(): void {
    this.#isProducing = false;
  }

  end(): void {
    this.#isConsuming = false;
  }

  async #produce(): Promise<void> {
    while (this.#isProducing) {
      const value = String(this.#sent++);
      if ((await this.#put(value)).status === 200) this.#acknowledged.add(value);
      // Not as fast as it can: the cluster shares the machine.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Acks are sent when the message is noted. */
  async #consume(): Promise<void> {
    while (this.#isConsuming) {
      const { status, json } = await this.#pixy.poll('durable', 'readers', '&noAck');
      if (status !== 200) continue;
      this.#got.add(Buffer.from(json.value, 'base64').toString());
      await this.#pixy.ack('durable', 'readers', json);
    }
  }
}
