// What the campaign of the RIS worker plays on: a real Kafka, a real Redis, the RIS Live stand-in and replicas as processes.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import type { KafkaFactory } from '../../src/core/ports.js';
import { KafkaServer, saslUser } from '../support/kafka-server.js';
import { KafkaWire } from '../support/kafka-wire.js';
import { openKafka } from '../support/relay-clusters.js';
import { RisLiveServer } from '../support/ris-live.js';

/** Why no Redis can be started here; undefined when one can. */
export function whyNoRedis(): string | undefined {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no redis-server on the path';
  }
}

/** A redis-server without persistence: a restart loses everything. */
export class RedisServer {
  readonly port: number;
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  static async start(): Promise<RedisServer> {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as { port: number };
    await once(probe.close(), 'close');
    const server = new RedisServer(port);
    await server.run();
    return server;
  }

  async run(): Promise<void> {
    const options = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    endWith(child);
    for await (const text of child.stdout!) if (String(text).includes('Ready to accept')) break;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

/** One replica's process. */
export interface Replica {
  readonly name: string;
  readonly process: ChildProcess;
}

export interface StageOptions {
  readonly host: string;
  readonly replicas: number;
  /** Over the `ris` section of every replica. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Called before the first replica starts. */
  readonly prepare?: (kafka: KafkaFactory) => Promise<void>;
}

/** What Redis says of the collector. */
export interface Standing {
  /** The leader's process id, or null. */
  readonly leader: number | null;
  /** ms since the epoch up to which everything is committed. */
  readonly progressMs: number;
  /** Standbys that could go on without a hole. */
  readonly ready: number;
}

/** The replicas' user of Kafka. */
export const principal = `User:${saslUser.username}`;

/** Whoever opens it closes it. */
export class Stage {
  readonly kafka: KafkaServer;
  /** Kafka as somebody who may do everything; the replicas log in, and may do what {@link Stage.asAdmin} lets them. */
  readonly factory: KafkaFactory;
  readonly redis: RedisServer;
  readonly live: RisLiveServer;
  readonly replicas = new Map<string, Replica>();
  readonly #options: StageOptions;
  readonly #dir = mkdtempSync(join(tmpdir(), 'rafka-ris-'));
  readonly #client: Redis;

  private constructor(
    kafka: KafkaServer,
    factory: KafkaFactory,
    redis: RedisServer,
    live: RisLiveServer,
    options: StageOptions,
  ) {
    this.kafka = kafka;
    this.factory = factory;
    this.redis = redis;
    this.live = live;
    this.#options = options;
    this.#client = new Redis(redis.url, { maxRetriesPerRequest: 0, enableOfflineQueue: false });
    this.#client.on('error', () => {});
  }

  static async open(options: StageOptions): Promise<Stage> {
    const [kafka, redis, live] = await Promise.all([
      KafkaServer.start({ sasl: true, properties: brokerProperties }),
      RedisServer.start(),
      RisLiveServer.start(),
    ]);
    const factory = await openKafka(kafka.brokers);
    const stage = new Stage(kafka, factory, redis, live, options);
    await stage.asAdmin(async (wire) => {
      for (const operation of ['read', 'write', 'create', 'describe', 'describeConfigs'] as const)
        await wire.allow(principal, 'topic', '*', operation);
      for (const operation of ['write', 'describe'] as const)
        await wire.allow(principal, 'transactionalId', '*', operation);
    });
    await options.prepare?.(factory);
    for (let i = 1; i <= options.replicas; i++) stage.launch(`replica-${i}`);
    return stage;
  }

  /** Speaks with the broker as somebody who may do everything. */
  async asAdmin(work: (wire: KafkaWire) => Promise<void>): Promise<void> {
    const wire = await KafkaWire.open(this.kafka.brokers);
    try {
      await work(wire);
    } finally {
      wire.close();
    }
  }

  get logDir(): string {
    return this.#dir;
  }

  launch(name: string): void {
    const ris = {
      host: this.#options.host,
      url: this.live.url,
      clientId: name,
      redis: this.redis.url,
      ...this.#options.config,
    };
    const file = join(this.#dir, `${name}.json`);
    writeFileSync(file, JSON.stringify({ general: { 'bootstrap.servers': this.kafka.saslBrokers, ...login }, ris }));
    const program = fileURLToPath(new URL('../../../bin/rafka', import.meta.url));
    const child = spawn(program, ['ris', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr!.pipe(createWriteStream(join(this.#dir, `${name}.log`), { flags: 'a' }));
    endWith(child);
    this.replicas.set(name, { name, process: child });
  }

  /** Ends a replica and starts it again under the same name. */
  async replace({ name, process }: Replica, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const exited = once(process, 'exit');
    process.kill(signal);
    await exited;
    this.launch(name);
  }

  byPid(pid: number | null): Replica | undefined {
    return [...this.replicas.values()].find(({ process }) => process.pid === pid);
  }

  async standing(): Promise<Standing> {
    const key = (name: string) => `rafka:ris:${this.#options.host}:${name}`;
    try {
      const [lease, progress, replicas] = await Promise.all([
        this.#client.get(key('lease')),
        this.#client.get(key('progress')),
        this.#client.hgetall(key('replicas')),
      ]);
      const pid = lease?.match(/-(\d+)-[0-9a-f]{8}$/)?.[1];
      const mark = progress === null ? 0 : Number(progress);
      const ready = Object.values(replicas).filter((advert) => Number(advert.split(' ')[1]) <= mark).length;
      return { leader: pid === undefined ? null : Number(pid), progressMs: mark / 1000, ready };
    } catch {
      return { leader: null, progressMs: 0, ready: 0 };
    }
  }

  /** Waits until a leader publishes what is new and all others could take over. @throws Error after timeoutMs. */
  async settled(timeoutMs: number): Promise<number> {
    const from = Date.now();
    for (;;) {
      const { leader, progressMs, ready } = await this.standing();
      if (leader !== null && progressMs > from && ready === this.replicas.size - 1) return Date.now() - from;
      if (Date.now() - from > timeoutMs) throw new Error(`not settled after ${timeoutMs} ms; logs in ${this.#dir}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async close(keepLogs = false): Promise<void> {
    for (const { process } of this.replicas.values()) {
      if (process.exitCode !== null || process.signalCode !== null) continue;
      const exited = once(process, 'exit');
      process.kill('SIGCONT');
      process.kill('SIGKILL');
      await exited;
    }
    this.#client.disconnect();
    await this.live.stop();
    await this.redis.stop();
    await this.factory.close();
    await this.kafka.stop();
    if (!keepLogs) rmSync(this.#dir, { recursive: true, force: true });
  }
}

const brokerProperties = {
  'num.partitions': '2',
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
  // Soon after its time-out an open transaction is aborted.
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
};
const login = {
  'security.protocol': 'SASL_PLAINTEXT',
  'sasl.mechanism': 'PLAIN',
  'sasl.username': saslUser.username,
  'sasl.password': saslUser.password,
};

/** No process outlives ours. */
function endWith(child: ChildProcess): void {
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
}
