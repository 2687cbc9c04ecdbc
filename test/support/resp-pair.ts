// A RESP listener on the in-memory Kafka, and a client that speaks real bytes to it.

import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { Users } from '../../src/core/access/users.js';
import type { Clock, KafkaFactory } from '../../src/core/ports.js';
import { Stats } from '../../src/core/stats/stats.js';
import type { Command } from '../../src/resp/command/context.js';
import { respConfig } from '../../src/resp/config.js';
import { KafkaGateway } from '../../src/resp/kafka/kafka-gateway.js';
import { RespServer } from '../../src/resp/server.js';
import type { Siblings } from '../../src/resp/siblings/siblings.js';
import { realClock } from './clock.js';
import { FakeKafka, type FakeKafkaOptions } from './fake-kafka.js';

/** Time limit of a test for expected bytes, ms. */
const PATIENCE_MS = 10_000;

export interface RespOptions {
  readonly settings?: Record<string, unknown>;
  readonly kafka?: FakeKafkaOptions;
  readonly commands?: readonly Command[];
  /** Receives the server's log lines of level error: defects. */
  readonly onError?: (line: string) => void;
  /** Wraps the in-memory Kafka. */
  readonly wrap?: (kafka: FakeKafka) => KafkaFactory;
  readonly clock?: Clock;
  readonly siblings?: Siblings;
}

/** A running RESP listener; stop() ends it with everything it holds. */
export class RespPair {
  readonly kafka: FakeKafka;
  readonly stats = new Stats();
  readonly server: RespServer;
  readonly gateway: KafkaGateway;
  readonly #clients: RawClient[] = [];

  private constructor({ settings = {}, kafka, commands, onError, wrap, clock = realClock, siblings }: RespOptions) {
    const parsed = respConfig.parse({ port: 0, drainMs: 0, ...settings });
    const log = onError ? pino({ level: 'error' }, { write: onError }) : pino({ level: 'silent' });
    this.kafka = new FakeKafka(kafka);
    const cluster = { name: 'default', kafka: wrap ? wrap(this.kafka) : this.kafka };
    const common = { settings: parsed, clock, stats: this.stats, log, ...(siblings ? { siblings } : {}) };
    this.gateway = new KafkaGateway({ ...common, cluster, consumerProperties: {}, transactionalId: 'rafka-test' });
    this.server = new RespServer({
      ...common,
      users: Users.load(parsed, (path) => readFileSync(path, 'utf8')),
      gateway: this.gateway,
      maxMessageBytes: this.kafka.maxMessageBytes,
      version: '0.0.0-test',
      clientVersions: { librdkafka: '0.0.0-test', nodeRdkafka: '0.0.0-test' },
      ...(commands ? { commands } : {}),
    });
  }

  static async start(options: RespOptions = {}): Promise<RespPair> {
    const pair = new RespPair(options);
    try {
      await pair.server.start();
    } catch (error) {
      await pair.stop();
      throw error;
    }
    return pair;
  }

  async client(): Promise<RawClient> {
    const client = await RawClient.connect({ port: this.server.port });
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.drain();
    await Promise.all([this.server.closeConsumers(), this.gateway.streams.closeConsumers()]);
    await this.server.stopListening();
    await this.server.close();
    await this.gateway.streams.close();
    await this.gateway.close();
    await this.kafka.close();
  }
}

/** A client without a library: bytes out, bytes in. */
export class RawClient {
  readonly socket: Socket;
  #received = '';
  #closed = false;
  #wake: () => void = () => {};
  #echoes = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static connect(where: { port: number; host?: string } | { path: string }): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(where);
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawClient(socket)));
    });
  }

  /** Everything received and not taken yet; one character a byte. */
  get received(): string {
    return this.#received;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Sends a command, or raw bytes (one character a byte). */
  send(what: string | readonly (string | Buffer)[]): void {
    this.socket.write(typeof what === 'string' ? Buffer.from(what, 'latin1') : encodeCommand(what));
  }

  /**
   * Sends, and returns everything received until the connection is closed, or until the answer to an ECHO sent after it.
   * One character a byte.
   */
  async exchange(what: string | readonly (string | Buffer)[]): Promise<string> {
    const end = `$12\r\n~end${String(this.#echoes++).padStart(8, '0')}\r\n`;
    this.send(what);
    this.send(['ECHO', end.slice(5, 17)]);
    await this.until(() => this.#received.includes(end) || this.#closed);
    const at = this.#received.indexOf(end);
    const reply = at < 0 ? this.#received : this.#received.slice(0, at);
    this.#received = at < 0 ? '' : this.#received.slice(at + end.length);
    return reply;
  }

  /** Takes exactly these bytes, waiting for them; fails on others. */
  async take(expected: string): Promise<void> {
    await this.until(() => this.#received.length >= expected.length || this.#closed);
    const got = this.#received.slice(0, expected.length);
    if (got !== expected)
      throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(this.#received)}`);
    this.#received = this.#received.slice(expected.length);
  }

  /** Waits until a condition on the received bytes holds. */
  async until(holds: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    while (!holds()) {
      if (deadline.aborted) throw new Error(`nothing more came after ${JSON.stringify(this.#received.slice(-500))}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  async closed(): Promise<void> {
    await this.until(() => this.#closed);
  }

  close(): void {
    this.socket.destroy();
  }
}

/** A command as clients send it. */
export function encodeCommand(argv: readonly (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${argv.length}\r\n`)];
  for (const arg of argv) {
    const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(arg);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}
