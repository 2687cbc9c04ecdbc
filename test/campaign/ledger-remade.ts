// The ledger of a topic that is deleted and made again while its group reads it: what a DUMP 0 covered of each generation must arrive.
import type { Redis } from 'ioredis';
import type { Admin } from '../../src/core/ports.js';
import { eventually } from '../support/eventually.js';
import { ack, connect, pop } from '../support/redis-client.js';
import { readTopic } from './ledger-audit.js';

export interface RemadeOptions {
  readonly port: number;
  readonly admin: Admin;
  readonly say: (text: string) => void;
}

const topic = 'ledger-remade';
const key = `topics:${topic}`;
const partitions = 4;
/** Of one generation. */
const ids = 200;
const keys = 8;
const timeoutMs = 60_000;

/** One reader that stays, one writer that stays: what they know of the topic's last generation must not count for the next one. */
export class RemadeLedger {
  readonly #options: RemadeOptions;
  readonly covered = new Set<string>();
  readonly delivered = new Set<string>();
  /** Covered, but not delivered while their generation lived. */
  readonly undelivered: string[] = [];
  /** Those of them that the topic did not hold either. */
  missing = 0;
  generations = 0;
  #writer: Redis | undefined;
  #reading: Promise<void> | undefined;
  /** Answers on the reader's present connection. */
  #answers = 0;
  #isOver = false;

  constructor(options: RemadeOptions) {
    this.#options = options;
  }

  /** The first generation: its group has been answered nil before the first id is produced. */
  async begin(): Promise<void> {
    await this.#options.admin.createTopic({ name: topic, partitions });
    this.#reading = this.#read();
    await this.#generation();
  }

  /** Ends the present generation while the group waits for more of it, and sends the next one through. */
  async remake(): Promise<void> {
    const { admin } = this.#options;
    await this.#untilRead();
    await admin.deleteTopic(topic);
    await eventually(timeoutMs, () =>
      admin.createTopic({ name: topic, partitions }).then(
        () => true,
        () => false,
      ),
    );
    await this.#generation();
  }

  async end(): Promise<void> {
    this.#isOver = true;
    this.#writer?.disconnect();
    await this.#reading;
  }

  async #generation(): Promise<void> {
    const { say, port } = this.#options;
    const generation = this.generations++;
    await this.#untilRead();
    const sent = await this.#produce(generation);
    const left = (): string[] => sent.filter((id) => !this.delivered.has(id));
    await eventually(timeoutMs, () => left().length === 0).catch(() => {});
    say(`generation ${generation} of a topic: ${sent.length} ids covered, ${left().length} of them not delivered`);
    if (left().length === 0) return;
    this.undelivered.push(...left());
    const { counts } = await readTopic({ port, topic, covered: new Set(sent) });
    this.missing += left().filter((id) => !counts.has(id)).length;
  }

  /** A member that was answered begins at what comes next, whatever its reset policy. */
  #untilRead(): Promise<void> {
    return eventually(timeoutMs, () => this.#answers > 0);
  }

  /** @returns what a DUMP 0 covered. Tries again with other ids: a DUMP counts what others' connections lost as well. */
  async #produce(generation: number): Promise<string[]> {
    for (let round = 0; round < 10; round++) {
      const sent = Array.from({ length: ids }, (_, index) => `g${generation}.${round}-${index}`);
      try {
        if (this.#writer?.status !== 'ready') this.#writer = await connect(this.#options.port);
        const writer = this.#writer;
        await Promise.all(sent.map((id, index) => writer.call('RPUSHX', `${key}:key${index % keys}`, id)));
        const left = await writer.call('DUMP', '15000');
        for (const id of left === 0 ? sent : []) this.covered.add(id);
        if (left === 0) return sent;
        this.#options.say(`generation ${generation}: DUMP ${left}`);
      } catch (error) {
        this.#options.say(`generation ${generation}: ${error}`);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
    throw new Error(`nothing of generation ${generation} was covered`);
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      const client = await connect(this.#options.port, 'remade:reader').catch(() => undefined);
      while (client?.status === 'ready' && !this.#isOver) await this.#step(client);
      this.#answers = 0;
      client?.disconnect();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #step(client: Redis): Promise<void> {
    try {
      const message = await pop(client, key, 1);
      this.#answers += 1;
      if (!message) return;
      this.delivered.add(message.value);
      // Refused where its topic has gone meanwhile.
      await ack(client, message).catch(() => 0);
    } catch (error) {
      this.#options.say(`reader of the topic that is made again: ${error}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
