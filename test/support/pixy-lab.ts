// Shared by the tests of the REST and gRPC listeners: one Kafka with the topics of the acceptance list, processes on free ports, short requests.
import { request } from 'node:http';
import { pino } from 'pino';
import { createPixyProgram } from '../../src/app/pixy.js';
import type { Program } from '../../src/app/program.js';
import type { Admin } from '../../src/core/ports.js';
import { GrpcServer } from '../../src/grpc/server.js';
import { RestServer } from '../../src/http/server.js';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { loadPixyFile } from '../../src/pixy/file.js';
import { KafkaServer } from './kafka-server.js';

export const silent = pino({ level: process.env.PIXY_LOG ?? 'silent' }, pino.destination(2));

export interface PixyKafka {
  readonly server: KafkaServer;
  readonly admin: Admin;
  stop(): Promise<void>;
}

export async function startPixyKafka(properties: Record<string, string> = {}): Promise<PixyKafka> {
  const server = await KafkaServer.start({ properties: { 'auto.create.topics.enable': 'false', ...properties } });
  const kafka = await createKafkaFactory({ general: { 'bootstrap.servers': server.brokers }, log: silent });
  for (const partitions of [1, 4, 64]) {
    const name = `test.${partitions}`;
    await kafka.admin.createTopic({ name, partitions });
    // A broker that has just learnt of a partition is not its leader yet.
    await until(
      () => ends(kafka.admin, name, partitions).catch(() => []),
      (found) => found.length === partitions,
    );
  }
  return {
    server,
    admin: kafka.admin,
    async stop() {
      await kafka.close();
      await server.stop();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into replies of every shape
  readonly json: any;
}

export interface Ask {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** One process of Kafka-Pixy, inside the test's own process. */
export interface Pixy {
  readonly url: string;
  readonly grpcAddress: string;
  readonly app: Program;
  ask(path: string, ask?: Ask): Promise<Answer>;
  /** Produces and waits for Kafka. */
  put(topic: string, value: string, key?: string): Promise<{ partition: number; offset: number }>;
  /** Consumes; `more` are parameters. Repeats after a long poll without a message, up to `tries` times. */
  take(topic: string, group: string, more?: string, tries?: number): Promise<Message>;
  /** Asks once. */
  poll(topic: string, group: string, more?: string): Promise<Answer>;
  ack(topic: string, group: string, message: { partition: number; offset: number }): Promise<Answer>;
  /** Committed offsets by partition. */
  offsets(topic: string, group: string): Promise<number[]>;
  stop(): Promise<void>;
}

export interface Message {
  readonly key: string | null;
  readonly value: string | null;
  readonly partition: number;
  readonly offset: number;
  readonly headers: readonly { key: string; value: string | null }[];
}

const text = (base64: string | null): string | null => base64 && Buffer.from(base64, 'base64').toString();

/** Settings of `proxies.default`, overriding those of the acceptance list's fixtures. */
export interface PixySettings {
  readonly consumer?: Record<string, unknown>;
  readonly producer?: Record<string, unknown>;
  readonly kafka?: Record<string, unknown>;
  readonly net?: Record<string, unknown>;
  readonly clientId?: string;
  /** Additional lines at the top level. */
  readonly top?: Record<string, unknown>;
}

export function pixyYaml(brokers: string, settings: PixySettings = {}): string {
  const { consumer = {}, producer = {}, kafka = {}, net, clientId = nextName(), top = {} } = settings;
  const proxy = {
    client_id: clientId,
    kafka: { seed_peers: brokers.split(','), version: '2.3.0', ...kafka },
    ...(net ? { net } : {}),
    producer: { retry_backoff: '100ms', ...producer },
    consumer: {
      long_polling_timeout: '2s',
      retry_backoff: '100ms',
      ack_timeout: '30s',
      offsets_commit_interval: '50ms',
      initial_offset: 'oldest',
      ...consumer,
    },
  };
  return JSON.stringify({ grpc_addr: '127.0.0.1:0', tcp_addr: '127.0.0.1:0', proxies: { default: proxy }, ...top });
}

// A name for each process of a run.
const counter = { made: 0 };
const nextName = () => `test_${++counter.made}`;

export async function startPixy(brokers: string, settings: PixySettings = {}): Promise<Pixy> {
  const yaml = pixyYaml(brokers, { clientId: nextName(), ...settings });
  const app = await createPixyProgram(loadPixyFile(yaml), {}, '0.0.0', silent);
  await app.start();
  const http = app.listeners.find((listener) => listener instanceof RestServer);
  const grpc = app.listeners.find((listener) => listener instanceof GrpcServer);
  const url = `http://${http?.addresses[0]}`;
  const ask = (path: string, options?: Ask) => askUrl(`${url}${path}`, options);
  const poll = (topic: string, group: string, more = '') => ask(`/topics/${topic}/messages?group=${group}${more}`);
  let stopped: Promise<unknown> | undefined;
  return {
    url,
    grpcAddress: grpc?.address ?? '',
    app,
    ask,
    poll,
    async put(topic, value, key) {
      const query = key === undefined ? 'sync' : `sync&key=${encodeURIComponent(key)}`;
      const answer = await ask(`/topics/${topic}/messages?${query}`, {
        method: 'POST',
        body: value,
        headers: { 'content-type': 'text/plain' },
      });
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
      return answer.json;
    },
    async take(topic, group, more = '', tries = 8) {
      for (let left = tries; ; left--) {
        const { status, text: body, json } = await poll(topic, group, more);
        if (status === 200) return { ...json, key: text(json.key), value: text(json.value) };
        if (status !== 408 || left <= 1) throw new Error(`${status} ${body}`);
      }
    },
    ack: (topic, group, { partition, offset }) =>
      ask(`/topics/${topic}/acks?group=${group}&partition=${partition}&offset=${offset}`, { method: 'POST' }),
    async offsets(topic, group) {
      const { json } = await ask(`/topics/${topic}/offsets?group=${group}`);
      return json.map(({ offset }: { offset: number }) => offset);
    },
    async stop() {
      stopped ??= app.stop();
      await stopped;
    },
  };
}

/** One request on a connection of its own. */
export function askUrl(
  url: string,
  { method = 'GET', body, headers = {} }: Ask = {},
  socketPath?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method, agent: false, headers: { ...lengthOf(body, headers), ...headers } };
    const sent = request(url, { ...options, ...(socketPath ? { socketPath } : {}) } as object, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const answer = Buffer.concat(chunks).toString();
        const json = /json/.test(response.headers['content-type'] ?? '') ? JSON.parse(answer) : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: answer, json });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function lengthOf(body: string | Buffer | undefined, headers: Ask['headers']): Record<string, string> {
  if (body === undefined || headers?.['transfer-encoding']) return {};
  return { 'content-length': String(Buffer.byteLength(body)) };
}

/** Repeats until it holds, or the deadline: then fails with the last result. */
export async function until<T>(look: () => Promise<T> | T, holds: (value: T) => boolean, ms = 15_000): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (Date.now() > deadline) throw new Error(`still not so after ${ms} ms: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Offsets by which each partition has grown. */
export const deltas = (before: readonly number[], after: readonly number[]): number[] =>
  after.map((end, index) => end - (before[index] ?? 0));

export async function ends(admin: Admin, topic: string, partitions: number): Promise<number[]> {
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  const marks = await admin.watermarks(all);
  return marks.sort((one, other) => one.partition - other.partition).map(({ high }) => high);
}
