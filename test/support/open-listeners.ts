// The REST and gRPC faces on the in-memory Kafka, on free ports.
import { pino } from 'pino';
import { type Access, createPixyFaces } from '../../src/app/rest-grpc.js';
import { Users } from '../../src/core/access/users.js';
import type { Face } from '../../src/core/listener.js';
import { Stats } from '../../src/core/stats/stats.js';
import { GrpcFace } from '../../src/grpc/server.js';
import { HttpFace } from '../../src/http/server.js';
import { realClock } from './clock.js';
import { FakeKafka } from './fake-kafka.js';
import { produceSettings, sharedSettings } from './queue-settings.js';

export interface OpenFacesOptions {
  readonly access?: Partial<Omit<Access, 'users'>>;
  /** The content of a users file. */
  readonly users?: readonly object[];
  readonly requirepass?: string;
  readonly host?: string;
}

export class OpenFaces {
  readonly kafka = new FakeKafka();
  readonly stats = new Stats();
  readonly lines: string[] = [];
  readonly #faces: Face[];

  constructor({ access = {}, users, requirepass, host = '127.0.0.1' }: OpenFacesOptions) {
    const loaded = Users.load({ requirepass, ...(users ? { usersFile: 'users.json' } : {}) }, () =>
      JSON.stringify(users),
    );
    const address = { host, port: 0 };
    this.#faces = createPixyFaces({
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
      version: '0.0.0-test',
      clock: realClock,
      stats: this.stats,
      log: pino({ level: 'warn' }, { write: (line: string) => this.lines.push(line) }),
    });
  }

  static async start(options: OpenFacesOptions = {}): Promise<OpenFaces> {
    const faces = new OpenFaces(options);
    for (const face of faces.#faces) await face.start();
    return faces;
  }

  get httpPort(): number {
    const face = this.#faces.find((each) => each instanceof HttpFace);
    return Number(face?.addresses[0]?.split(':').at(-1));
  }

  get grpcPort(): number {
    const face = this.#faces.find((each) => each instanceof GrpcFace);
    return Number(face?.address?.split(':').at(-1));
  }

  async stop(): Promise<void> {
    for (const face of this.#faces) await face.drain();
    for (const face of this.#faces) await face.closeConsumers();
    for (const face of this.#faces) await face.stopListening();
    for (const face of this.#faces) await face.close();
    await this.kafka.close();
  }
}
