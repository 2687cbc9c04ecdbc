// The REST and gRPC listeners on the in-memory Kafka, on free ports.
import { pino } from 'pino';
import { type Access, createPixyListeners } from '../../src/app/rest-grpc.js';
import { Users } from '../../src/core/access/users.js';
import type { Listener } from '../../src/core/listener.js';
import { Stats } from '../../src/core/stats/stats.js';
import { GrpcServer } from '../../src/grpc/server.js';
import { defaultOps, type OpsConfig } from '../../src/http/config.js';
import type { Jobs } from '../../src/http/console/jobs.js';
import type { RespSide } from '../../src/http/console/redis/resp-side.js';
import { OpsServer } from '../../src/http/ops.js';
import { RestServer } from '../../src/http/server.js';
import { realClock } from './clock.js';
import { FakeKafka } from './fake-kafka.js';
import { produceSettings, sharedSettings } from './queue-settings.js';

export interface OpenFacesOptions {
  readonly access?: Partial<Omit<Access, 'users'>>;
  /** The content of a users file. */
  readonly users?: readonly object[];
  readonly requirepass?: string;
  readonly host?: string;
  /** The ops port with the console; absent: none. */
  readonly ops?: Partial<OpsConfig>;
  /** Absent: an in-memory one of its own. */
  readonly kafka?: FakeKafka;
  /** The listener of Redis clients, for the console; absent: none. */
  readonly resp?: RespSide;
  /** Other jobs, for the console. */
  readonly jobs?: Jobs;
}

export class OpenFaces {
  readonly kafka: FakeKafka;
  readonly stats = new Stats();
  readonly lines: string[] = [];
  readonly users: Users;
  readonly #listeners: Listener[];

  constructor({ access = {}, users, requirepass, host = '127.0.0.1', ops, kafka, resp, jobs }: OpenFacesOptions) {
    this.kafka = kafka ?? new FakeKafka();
    const loaded = Users.load({ requirepass, ...(users ? { usersFile: 'users.json' } : {}) }, () =>
      JSON.stringify(users),
    );
    this.users = loaded;
    const address = { host, port: 0 };
    this.#listeners = createPixyListeners({
      clusters: [
        {
          name: 'default',
          kafka: this.kafka,
          settings: { ...sharedSettings, longPollingTimeoutMs: 200 },
          produce: produceSettings,
        },
      ],
      tcp: address,
      grpc: { ...address, maxMessageBytes: 1_000_000 },
      access: { users: loaded, protectedMode: true, allowedHosts: [], allowInternalTopics: false, ...access },
      ops: ops && { ...defaultOps, host, port: 0, ...ops },
      resp,
      ...(jobs ? { jobs } : {}),
      version: '0.0.0-test',
      clock: realClock,
      stats: this.stats,
      log: pino({ level: 'warn' }, { write: (line: string) => this.lines.push(line) }),
    });
  }

  static async start(options: OpenFacesOptions = {}): Promise<OpenFaces> {
    const listeners = new OpenFaces(options);
    for (const listener of listeners.#listeners) await listener.start();
    return listeners;
  }

  get httpPort(): number {
    const listener = this.#listeners.find((each) => each instanceof RestServer);
    return Number(listener?.addresses[0]?.split(':').at(-1));
  }

  get opsPort(): number {
    const listener = this.#listeners.find((each) => each instanceof OpsServer);
    return Number(listener?.address?.split(':').at(-1));
  }

  get grpcPort(): number {
    const listener = this.#listeners.find((each) => each instanceof GrpcServer);
    return Number(listener?.address?.split(':').at(-1));
  }

  async stop(): Promise<void> {
    for (const listener of this.#listeners) await listener.drain();
    for (const listener of this.#listeners) await listener.closeConsumers();
    for (const listener of this.#listeners) await listener.stopListening();
    for (const listener of this.#listeners) await listener.close();
    await this.kafka.close();
  }
}
