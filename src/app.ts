// The composition root: builds clusters, faces and workers from the configuration, starts them and stops them in order.
// A face's packages are loaded when the configuration has it.
import { hostname } from 'node:os';
import type { Config } from './config.js';
import { correctedProperties } from './core/client-properties.js';
import { sleep } from './core/clock.js';
import { type Cluster, Clusters } from './core/cluster.js';
import type { Face } from './core/face.js';
import type { Clock } from './core/ports.js';
import { Stats } from './core/stats.js';
import { createKafkaFactory } from './kafka/factory.js';
import type { Log } from './log.js';
import { fromPool } from './pixy/settings.js';
import { resolveRelayConfig } from './relay/config.js';
import { KafkaGateway } from './resp/kafka-gateway.js';
import { RespServer } from './resp/server.js';
import type { RisConfig } from './ris/index.js';

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

/** How often an unreachable cluster is tried again at the start, ms. */
const brokerRetryMs = 2_000;

/** The running program. */
export class App {
  readonly #config: Config;
  readonly #log: Log;
  readonly #faces: readonly Face[];
  readonly #clusters: Clusters;
  readonly #gateway: KafkaGateway;
  readonly #started: Face[] = [];
  #stopping = false;
  #undelivered = 0;

  private constructor(config: Config, log: Log, clusters: Clusters, gateway: KafkaGateway, faces: readonly Face[]) {
    this.#config = config;
    this.#log = log;
    this.#clusters = clusters;
    this.#gateway = gateway;
    this.#faces = faces;
  }

  /** Builds everything; nothing listens yet. @throws KafkaError for properties that librdkafka refuses. */
  static async create(config: Config, version: string, log: Log): Promise<App> {
    const stats = new Stats();
    const clusters = new Clusters(await openClusters(config, log));
    const consumerProperties = { ...config.general, ...config.consumer };
    const corrected = correctedProperties(consumerProperties);
    if (corrected.length > 0) log.warn({ corrected }, 'consumer settings corrected: only acks may move offsets');
    const gateway = new KafkaGateway({
      cluster: clusters.get(),
      settings: config.resp,
      consumerProperties,
      clock: systemClock,
      stats,
      log: log.child({ face: 'resp' }),
    });
    const resp = new RespServer({
      settings: config.resp,
      gateway,
      maxMessageBytes: clusters.get().kafka.maxMessageBytes,
      version,
      clock: systemClock,
      stats,
      log,
    });
    const faces: Face[] = [resp, gateway.streams];
    if (config.http || config.grpc || config.ops)
      faces.push(...(await sharedFaces(config, clusters, version, stats, log)));
    if (config.relay) faces.push(await createRelay(config.relay, log));
    if (config.ris) faces.push(await createRis(config.ris, clusters, version, stats, log));
    return new App(config, log, clusters, gateway, faces);
  }

  /** Messages that were not delivered, as far as the shutdown has come. */
  get undelivered(): number {
    return this.#undelivered;
  }

  /** Starts the faces. A broker that isn't there yet is waited for in the background, and said so. */
  async start(): Promise<void> {
    if (this.#config.embedded) {
      this.#log.warn('no configuration file: Kafka runs inside this process, in memory. Nothing is kept when it ends');
    }
    for (const face of this.#faces) {
      await face.start();
      this.#started.push(face);
    }
    for (const cluster of this.#clusters) void this.#greet(cluster);
  }

  /**
   * Stops in the order that loses nothing: consuming ends while acks are still taken, offsets are committed, then listening ends,
   * then producers are flushed. @returns messages that were not delivered.
   */
  async stop(): Promise<number> {
    this.#stopping = true;
    await this.#step('consuming ends, acks are still taken', (face) => face.drain());
    await this.#step('consumers close, offsets are committed', (face) => face.closeConsumers());
    await this.#step('listening ends', (face) => face.stopListening());
    await this.#step('producers are flushed, connections close', async (face) => {
      this.#undelivered += await face.close();
    });
    await this.#gateway.close();
    for (const cluster of this.#clusters) await cluster.kafka.close();
    this.#log.info({ undelivered: this.#undelivered }, 'stopped');
    return this.#undelivered;
  }

  async #step(name: string, run: (face: Face) => Promise<void>): Promise<void> {
    const startedAt = performance.now();
    await Promise.all(this.#started.map(run));
    this.#log.info({ step: name, ms: Math.round(performance.now() - startedAt) }, 'shutdown');
  }

  async #greet({ name, kafka }: Cluster): Promise<void> {
    for (let tries = 0; !this.#stopping; tries += 1) {
      try {
        const topics = await kafka.admin.topics();
        this.#log.info({ cluster: name, brokers: kafka.brokers, topics: topics.length }, 'connected to Kafka');
        return;
      } catch (error) {
        if (tries === 0) {
          const reason = (error as Error).message;
          this.#log.warn(
            { cluster: name, brokers: kafka.brokers, reason },
            'Kafka does not answer yet: waiting for it',
          );
        }
        await sleep(systemClock, brokerRetryMs);
      }
    }
  }
}

/** The RIS worker publishes to the default cluster. */
async function createRis(
  section: RisConfig,
  clusters: Clusters,
  version: string,
  stats: Stats,
  log: Log,
): Promise<Face> {
  const { createRisWorker } = await import('./ris/index.js');
  const { kafka } = clusters.get();
  return createRisWorker(section, { kafka, clock: systemClock, stats, version, log: log.child({ face: 'ris' }) });
}

/** The relay opens its clusters itself: its sources are many, and of one topic each. @throws GatewayError `relay-config` */
async function createRelay(section: Record<string, unknown>, log: Log): Promise<Face> {
  const { Relay } = await import('./relay/relay.js');
  return new Relay({
    config: resolveRelayConfig(section, {}),
    createKafka: (properties) => createKafkaFactory({ general: properties, log: log.child({ face: 'relay' }) }),
    clock: systemClock,
    log: log.child({ face: 'relay' }),
  });
}

/** REST, gRPC and the ops port, as far as the configuration has them. */
async function sharedFaces(
  config: Config,
  clusters: Clusters,
  version: string,
  stats: Stats,
  log: Log,
): Promise<Face[]> {
  const { createPixyFaces } = await import('./pixy-faces.js');
  const { http, grpc, ops, pool } = config;
  const clientId = `rafka_${hostname()}_${process.pid}`;
  return createPixyFaces({
    clusters: [...clusters].map(({ name, kafka }) => ({
      name,
      kafka,
      ...fromPool(pool, clientId, kafka.maxMessageBytes),
    })),
    tcp: http,
    unix: http?.unixSocket,
    ...(http ? { limits: http } : {}),
    grpc,
    ops,
    version,
    clock: systemClock,
    stats,
    log,
  });
}

async function openClusters(config: Config, log: Log): Promise<Cluster[]> {
  const sections = { default: { general: config.general, consumer: config.consumer, producer: config.producer } };
  const clusters: Cluster[] = [];
  for (const [name, properties] of Object.entries({ ...sections, ...config.clusters })) {
    const embedded = config.embedded && name === 'default';
    const kafka = await createKafkaFactory({ ...properties, embedded, log: log.child({ cluster: name }) });
    clusters.push({ name, kafka });
  }
  return clusters;
}
