// A broker of Kafka 0.10.2, as far as a producer sees one: no idempotence, and messages without headers. Such a broker cannot be run here
// (it takes Java 8); this double answers ApiVersions, Metadata, Produce and CreateTopics in its versions.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { framesTo } from './answers/broker-double.js';
import { int16, int32, list, text, WireReader } from './kafka-wire.js';

const api = { produce: 0, metadata: 3, apiVersions: 18, createTopics: 19 } as const;
/** The highest versions of its requests 0 to 20. */
const highest = [2, 3, 1, 2, 0, 0, 3, 1, 2, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1];
const unsupportedVersion = 35;
const none = text('').fill(0xff);

export class OldBroker {
  readonly address: string;
  /** Record sets that it was sent. */
  readonly produced: Buffer[] = [];
  /** Topics that it was to create, with their numbers of partitions and replicas. */
  readonly created: { name: string; partitions: number; replicas: number }[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #topic: string;

  private constructor(server: Server, topic: string) {
    this.#server = server;
    this.#topic = topic;
    this.address = `127.0.0.1:${(server.address() as { port: number }).port}`;
    server.on('connection', (socket) => this.#join(socket));
  }

  /** @param topic the one that it has, with one partition */
  static async start(topic: string): Promise<OldBroker> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new OldBroker(server, topic);
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on(
      'data',
      framesTo((frame) => {
        const body = this.#answer(frame.readInt16BE(0), frame.readInt16BE(2), frame);
        if (body === undefined) socket.destroy();
        else socket.write(Buffer.concat([int32(body.length + 4), frame.subarray(4, 8), body]));
      }),
    );
  }

  /** @returns undefined: it hangs up, as it does on what it does not know */
  #answer(key: number, version: number, frame: Buffer): Buffer | undefined {
    const taken = highest.map((most, each) => Buffer.concat([int16(each), int16(0), int16(most)]));
    if (key === api.apiVersions) return Buffer.concat([int16(version > 0 ? unsupportedVersion : 0), list(taken)]);
    if (version > (highest[key] ?? -1)) return undefined;
    if (key === api.metadata) return this.#metadata(version);
    if (key === api.produce) return this.#take(frame);
    if (key === api.createTopics) return this.#create(frame);
    return undefined;
  }

  #metadata(version: number): Buffer {
    const [host = '', port = ''] = this.address.split(':');
    const since = (first: number, field: Buffer): Buffer[] => (version >= first ? [field] : []);
    const broker = Buffer.concat([int32(1), text(host), int32(Number(port)), ...since(1, none)]);
    const partition = Buffer.concat([int16(0), int32(0), int32(1), list([int32(1)]), list([int32(1)])]);
    const internal = since(1, Buffer.from([0]));
    const topic = Buffer.concat([int16(0), text(this.#topic), ...internal, list([partition])]);
    return Buffer.concat([list([broker]), ...since(2, none), ...since(1, int32(1)), list([topic])]);
  }

  /** One topic; behind it are its settings. */
  #create(frame: Buffer): Buffer {
    const question = new WireReader(frame.subarray(8));
    question.text(); // the client's name
    question.int32();
    const name = question.text();
    this.created.push({ name, partitions: question.int32(), replicas: question.int16() });
    return list([Buffer.concat([text(name), int16(0), none])]);
  }

  #take(frame: Buffer): Buffer {
    this.produced.push(frame);
    const partition = Buffer.concat([int32(0), int16(0), int32(0), int32(0), int32(-1), int32(-1)]);
    return Buffer.concat([list([Buffer.concat([text(this.#topic), list([partition])])]), int32(0)]);
  }
}
