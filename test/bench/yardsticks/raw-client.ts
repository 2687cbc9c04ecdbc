// A Redis connection that costs next to nothing: bytes that are made beforehand, and replies that are only counted.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Commands as the protocol writes them, one behind the other. */
export const requestOf = (...commands: readonly (readonly string[])[]): Buffer =>
  Buffer.from(
    commands
      .map((argv) => `*${argv.length}\r\n${argv.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`)
      .join(''),
  );

export class RawClient {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #onData: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#onData();
    });
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Sends a request and waits for the reply of this many lines. @throws Error when it contains an error */
  ask(request: Buffer, lines: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onData = () => {
        const reply = Buffer.concat(this.#chunks);
        this.#chunks = [reply];
        const error = /(?:^|\n)-(.*)/.exec(reply.toString('latin1'));
        if (error) reject(new Error(error[1]));
        else if (linesOf(reply) < lines) return;
        else resolve();
        this.#chunks = [];
        this.#onData = () => {};
      };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

function linesOf(reply: Buffer): number {
  let lines = 0;
  for (let at = reply.indexOf(10); at >= 0; at = reply.indexOf(10, at + 1)) lines++;
  return lines;
}
