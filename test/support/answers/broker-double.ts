// BrokerDouble: stands between clients and a broker, which advertises the double's address, and alters answers on their way, or answers
// in the broker's place.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { int32 } from '../kafka-wire.js';

/** @returns the answer in place of `body`, which lies behind the correlation id; undefined: as it is. */
export type Alter = (api: number, version: number, body: Buffer, clientId: string) => Buffer | undefined;

/** @returns the answer to a request that the broker does not get, as a promise; undefined: the broker gets it. */
export type Intercept = (api: number, version: number, clientId: string) => Promise<Buffer> | undefined;

interface Question {
  readonly api: number;
  readonly version: number;
  readonly clientId: string;
}

export class BrokerDouble {
  readonly port: number;
  /** What answers become from now on. */
  alter: Alter = () => undefined;
  /** Which requests are kept from the broker from now on. */
  intercept: Intercept = () => undefined;
  /** The broker's own port. */
  target = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
    server.on('connection', (client) => this.#join(client));
  }

  /** Listens at once; clients are let through once `target` is set. */
  static async listen(): Promise<BrokerDouble> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new BrokerDouble(server);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket): void {
    const broker = connect({ host: '127.0.0.1', port: this.target, noDelay: true });
    const asked = new Map<number, Question>();
    this.#couple(client, broker);
    this.#couple(broker, client);
    client.on(
      'data',
      framesTo((frame) => this.#ask(client, broker, frame, asked)),
    );
    broker.on(
      'data',
      framesTo((frame) => this.#answer(client, frame, asked)),
    );
  }

  /** One end's closing is the other's. */
  #couple(one: Socket, other: Socket): void {
    this.#sockets.add(one);
    one.on('error', () => other.destroy());
    one.on('close', () => {
      this.#sockets.delete(one);
      other.destroy();
    });
  }

  #ask(client: Socket, broker: Socket, frame: Buffer, asked: Map<number, Question>): void {
    const correlation = frame.readInt32BE(4);
    const question = questionOf(frame);
    const answer = this.intercept(question.api, question.version, question.clientId);
    if (answer) {
      void answer.then((body) => reply(client, correlation, body));
      return;
    }
    asked.set(correlation, question);
    broker.write(Buffer.concat([int32(frame.length), frame]));
  }

  #answer(client: Socket, frame: Buffer, asked: Map<number, Question>): void {
    const correlation = frame.readInt32BE(0);
    const question = asked.get(correlation);
    asked.delete(correlation);
    const body = frame.subarray(4);
    const altered = question && this.alter(question.api, question.version, body, question.clientId);
    reply(client, correlation, altered ?? body);
  }
}

function reply(client: Socket, correlation: number, body: Buffer): void {
  if (!client.destroyed) client.write(Buffer.concat([int32(body.length + 4), int32(correlation), body]));
}

function questionOf(frame: Buffer): Question {
  const length = Math.max(frame.readInt16BE(8), 0);
  return {
    api: frame.readInt16BE(0),
    version: frame.readInt16BE(2),
    clientId: frame.toString('utf8', 10, 10 + length),
  };
}

/** A listener that calls `take` with each whole frame, without its length. */
export function framesTo(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 4) {
      const end = 4 + rest.readInt32BE(0);
      if (rest.length < end) return;
      take(rest.subarray(4, end));
      rest = rest.subarray(end);
    }
  };
}
