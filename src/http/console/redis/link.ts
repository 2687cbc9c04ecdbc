// RedisLink: a connection of the console to the listener of Redis clients in its own process. Replies come in the order of the commands.
import type { Duplex } from 'node:stream';
import { fail } from '../../../errors.js';
import { type RedisReply, readReply } from './reply.js';

/** Larger replies end the connection, bytes. */
const mostBytes = 4 * 1024 * 1024;

interface Waiting {
  readonly resolve: (reply: RedisReply) => void;
  readonly reject: (error: Error) => void;
}

export class RedisLink {
  readonly #stream: Duplex;
  readonly #waiting: Waiting[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #isClosed = false;
  /** Gets what answers no command: lines of MONITOR. */
  onPush: (reply: RedisReply) => void = () => {};

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#received(chunk));
    stream.on('error', () => this.close());
    stream.once('close', () => this.close());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws GatewayError (rejects with) `client-gone` when the connection closes before it is answered */
  call(...argv: readonly (string | Buffer)[]): Promise<RedisReply> {
    if (this.#isClosed) return Promise.reject(fail('client-gone'));
    const parts = argv.flatMap((arg) => {
      const bytes = Buffer.from(arg as string);
      return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
    });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#stream.write(Buffer.concat([Buffer.from(`*${argv.length}\r\n`), ...parts]));
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stream.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(fail('client-gone'));
  }

  #received(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    let end = 0;
    try {
      for (let found = readReply(this.#bytes); found; found = readReply(this.#bytes, end)) {
        end = found.end;
        const next = this.#waiting.shift();
        if (next) next.resolve(found.reply);
        else this.onPush(found.reply);
      }
    } catch {
      this.close();
      return;
    }
    this.#bytes = this.#bytes.subarray(end);
    if (this.#bytes.length > mostBytes) this.close();
  }
}
