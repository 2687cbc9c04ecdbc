// Kafka's protocol by hand: requests that no client of ours sends, for tests that need a broker in an odd state. Only versions
// without tagged fields are spoken here; Kafka 4 still takes them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from './eventually.js';

/** How long a broker may take to answer, ms. */
const answerMs = 15_000;
/** The longest that a broker allows a member to be silent, ms. */
const sessionMs = 30 * 60_000;
/** A coordinator that loads, or is not there yet. */
const notYet: readonly number[] = [14, 15, 16];

/** Fields of a request, one after the other. */
const int8 = (value: number): Buffer => Buffer.from([value & 0xff]);
export const int16 = (value: number): Buffer => Buffer.from([(value >> 8) & 0xff, value & 0xff]);
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
export const text = (value: string): Buffer => Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);
const bytes = (value: Buffer): Buffer => Buffer.concat([int32(value.length), value]);
export const list = (entries: readonly Buffer[]): Buffer => Buffer.concat([int32(entries.length), ...entries]);

/** Reads the fields of an answer in their order. @throws RangeError beyond its end */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  /** Null is the empty text. */
  text(): string {
    const length = Math.max(this.int16(), 0);
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }
}

/** One connection to one broker; one request at a time. */
export class KafkaWire {
  readonly #socket: Socket;
  #correlation = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** @param broker `host:port` without SASL or TLS */
  static async open(broker: string): Promise<KafkaWire> {
    const [host = '', port = ''] = broker.split(':');
    const socket = connect({ host, port: Number(port), noDelay: true });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return new KafkaWire(socket);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Sends a request. @returns its answer, behind the header. @throws AssertionError when none comes in time */
  async ask(api: number, version: number, ...fields: readonly Buffer[]): Promise<WireReader> {
    this.#correlation += 1;
    const header = [int16(api), int16(version), int32(this.#correlation), text('raw')];
    this.#socket.write(bytes(Buffer.concat([...header, ...fields])));
    return new WireReader(await this.#answer());
  }

  #answer(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let got = Buffer.alloc(0);
      const done = (): void => {
        clearTimeout(deadline);
        this.#socket.off('data', take).off('close', fail);
      };
      const fail = (): void => {
        done();
        reject(new assert.AssertionError({ message: 'the broker did not answer' }));
      };
      const take = (chunk: Buffer): void => {
        got = Buffer.concat([got, chunk]);
        if (got.length < 4 || got.length < got.readInt32BE(0) + 4) return;
        done();
        resolve(got.subarray(8));
      };
      const deadline = setTimeout(fail, answerMs);
      this.#socket.on('data', take).on('close', fail);
    });
  }

  /** @throws AssertionError when the broker refuses one */
  async createTopics(names: readonly string[], partitions = 1): Promise<void> {
    const topics = names.map((name) => Buffer.concat([text(name), int32(partitions), int16(1), list([]), list([])]));
    const answer = await this.ask(19, 2, list(topics), int32(answerMs), int8(0));
    answer.int32();
    for (let left = answer.int32(); left > 0; left--) {
      const name = answer.text();
      assert.equal(answer.int16(), 0, `topic ${name}: ${answer.text()}`);
    }
  }

  /**
   * Becomes the only member of a classic group and assigns to itself, for as long as it leaves the broker alone (30 min).
   * @param type what the group is for: `consumer`, `connect`, ...
   * @throws AssertionError when the broker refuses
   */
  async join(group: string, type: string, metadata: Buffer, assignment: Buffer): Promise<void> {
    const protocols = list([Buffer.concat([text('only'), bytes(metadata)])]);
    const session = [int32(sessionMs), int32(sessionMs)];
    let joined = new WireReader(Buffer.alloc(0));
    // The broker makes the topic of groups when it is first asked for a coordinator.
    await eventually(answerMs, async () => {
      await this.ask(10, 2, text(group), int8(0));
      joined = await this.ask(11, 2, text(group), ...session, text(''), text(type), protocols);
      joined.int32();
      const code = joined.int16();
      assert.ok(code === 0 || notYet.includes(code), `joining ${group}: code ${code}`);
      return code === 0;
    });
    const generation = joined.int32();
    joined.text();
    const member = joined.text();
    const assigned = list([Buffer.concat([text(member), bytes(assignment)])]);
    const synced = await this.ask(14, 1, text(group), int32(generation), text(member), assigned);
    synced.int32();
    assert.equal(synced.int16(), 0, `assigning to ${group}`);
  }

  /** Allows a principal one operation on one topic or group. @throws AssertionError when the broker refuses */
  allow(principal: string, kind: Kind, name: string, operation: Operation): Promise<void> {
    return this.#addRule(permissions.allow, principal, kind, name, operation);
  }

  /** Denies it, whatever else is allowed. @throws AssertionError when the broker refuses */
  deny(principal: string, kind: Kind, name: string, operation: Operation): Promise<void> {
    return this.#addRule(permissions.deny, principal, kind, name, operation);
  }

  /** Takes {@link deny} back. @throws AssertionError when the broker refuses */
  async undeny(principal: string, kind: Kind, name: string, operation: Operation): Promise<void> {
    const answer = await this.ask(31, 1, list([rule(permissions.deny, principal, kind, name, operation)]));
    answer.int32();
    assert.equal(answer.int32(), 1);
    assert.equal(answer.int16(), 0, answer.text());
  }

  async #addRule(permission: number, principal: string, kind: Kind, name: string, operation: Operation) {
    const answer = await this.ask(30, 1, list([rule(permission, principal, kind, name, operation)]));
    answer.int32();
    assert.equal(answer.int32(), 1);
    assert.equal(answer.int16(), 0, answer.text());
  }
}

/** An access rule for exactly this name, from any host; also the filter that finds it. */
const rule = (permission: number, principal: string, kind: Kind, name: string, operation: Operation): Buffer =>
  Buffer.concat([
    ...[int8(kinds[kind]), text(name), int8(literal)],
    ...[text(principal), text('*'), int8(operations[operation]), int8(permission)],
  ]);

type Kind = keyof typeof kinds;
type Operation = keyof typeof operations;
const literal = 3;
const permissions = { deny: 2, allow: 3 } as const;
const kinds = { topic: 2, group: 3, cluster: 4, transactionalId: 5 } as const;
const operations = { read: 3, write: 4, create: 5, describe: 8, describeConfigs: 10 } as const;
