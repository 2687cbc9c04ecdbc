// The composition root of `rafka ris`: the RIS worker and, when asked for, the ops port.
import { systemClock } from './app.js';
import type { Config } from './config.js';
import type { Face } from './core/face.js';
import type { KafkaFactory } from './core/ports.js';
import { Stats } from './core/stats.js';
import { Ops, OpsFace } from './http/ops.js';
import { createKafkaFactory } from './kafka/factory.js';
import type { Log } from './log.js';
import { createRisWorker, type RisConfig } from './ris/index.js';

export class RisApp {
  readonly #log: Log;
  readonly #kafka: KafkaFactory;
  readonly #faces: readonly Face[];
  #undelivered = 0;

  private constructor(log: Log, kafka: KafkaFactory, faces: readonly Face[]) {
    this.#log = log;
    this.#kafka = kafka;
    this.#faces = faces;
  }

  /** Builds everything; nothing connects yet. @throws KafkaError for properties that librdkafka refuses. */
  static async create(config: Config, section: RisConfig, version: string, log: Log): Promise<RisApp> {
    const { general, consumer, producer, embedded } = config;
    if (embedded) log.warn('no configuration file and no --brokers: Kafka runs inside this process, in memory');
    const kafka = await createKafkaFactory({ general, consumer, producer, embedded, log: log.child({ face: 'ris' }) });
    const stats = new Stats();
    const worker = createRisWorker(section, {
      kafka,
      clock: systemClock,
      stats,
      version,
      log: log.child({ face: 'ris' }),
    });
    const faces: Face[] = [worker];
    if (config.ops) {
      const ops = new Ops({ probes: new Map([['default', () => kafka.admin.topics([])]]), stats, clock: systemClock });
      faces.push(new OpsFace(ops, config.ops, log.child({ face: 'ops' })));
    }
    return new RisApp(log, kafka, faces);
  }

  /** Messages that were received and not published, as far as the shutdown has come. */
  get undelivered(): number {
    return this.#undelivered;
  }

  async start(): Promise<void> {
    for (const face of this.#faces) await face.start();
  }

  /** Receiving ends, what there is is published or left to another replica. @returns messages that nobody will publish. */
  async stop(): Promise<number> {
    for (const face of this.#faces) await face.drain();
    for (const face of this.#faces) await face.stopListening();
    for (const face of this.#faces) this.#undelivered += await face.close();
    await this.#kafka.close();
    this.#log.info({ undelivered: this.#undelivered }, 'stopped');
    return this.#undelivered;
  }
}
