// Connection: one client's socket, from its first byte to its end.
import type { Socket } from 'node:net';
import { guard } from '../../core/promises.js';
import { fail } from '../../errors.js';
import { Client } from './client.js';
import type { ServerParts } from './server-parts.js';

export class Connection {
  /** The connection as its commands see it. */
  readonly client: Client;
  readonly #server: ServerParts;
  readonly #socket: Socket;
  readonly #closed: (connection: Connection) => void;
  #closing: Promise<number> | undefined;

  /** @param closed called when the socket is closed */
  constructor(server: ServerParts, socket: Socket, id: number, closed: (connection: Connection) => void) {
    this.#server = server;
    this.#socket = socket;
    this.#closed = closed;
    this.client = new Client(server, socket, id, {
      expel: (why, bytes) => this.#expel(why, bytes),
      failed: (error) => this.failed(error),
    });
    this.#listen();
  }

  get id(): number {
    return this.client.id;
  }

  /** A consumer is open or opening. */
  get isConsuming(): boolean {
    return this.client.session.isConsuming;
  }

  /** Ends present and future waits with this error. */
  abort(reason: Error): void {
    this.client.waits.end(reason);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Closes the connection in order: pending replies are written. @returns messages that were not delivered. */
  close(): Promise<number> {
    this.#closing ??= this.#leave();
    return this.#closing;
  }

  /** Checks time-outs; called about once a second. */
  sweep(now: number): void {
    const { status, reader, writer } = this.client;
    const { idleTimeoutMs } = this.#server.settings;
    if (writer.sweep(now)) return;
    const mayBeIdle = idleTimeoutMs > 0 && !status.isWaiting && !status.isMonitor;
    if (mayBeIdle && now - status.activeAt > idleTimeoutMs) this.#expel('idle');
    else reader.sweep(now);
  }

  /** The rights of its user are others now: what it may not do any more ends; a waiting command answers, and its next one is checked. */
  rightsChanged(): void {
    const { status, session, user } = this.client;
    const isMonitor = status.isMonitor && !user.isAdmin;
    if (isMonitor || session.isForbidden) this.#expel('its user has lost the right to what it does');
    else this.client.unblock('timeout');
  }

  /** A failure that answers no command: a defect. It costs this connection only. */
  failed(err: unknown): void {
    const { id, name, status } = this.client;
    const where = { conn: id, client: name, command: status.lastCommand };
    this.#server.log.error({ ...where, err }, 'a connection failed: this is a bug');
    // The encoder may hold half a reply, and other connections use it next.
    this.#server.encoder.clear();
    this.destroy();
  }

  #listen(): void {
    const { reader, writer } = this.client;
    const owned = (event: string, work: () => void): void => {
      this.#socket.on(event, () => guard(work, (error) => this.failed(error)));
    };
    this.#socket.on('data', (chunk: Buffer) => reader.received(chunk));
    owned('drain', () => {
      writer.drained();
      reader.resume();
    });
    owned('end', () => this.#halfClosed());
    owned('close', () => this.#lost());
    this.#socket.on('error', (err) => this.#server.log.debug({ conn: this.id, err }, 'connection failed'));
  }

  /** The client has ended its side: commands it has sent are still answered, but none waits for messages. */
  #halfClosed(): void {
    const { dispatcher, reader, session } = this.client;
    dispatcher.clientEnded();
    this.abort(fail('client-gone'));
    session.leave();
    reader.resume();
  }

  #expel(why: string, bytes?: number): void {
    this.#server.log.warn({ conn: this.id, client: this.client.name, why, bytes }, 'connection closed by the server');
    this.destroy();
  }

  #lost(): void {
    const { dispatcher, reader, writer, session } = this.client;
    this.abort(fail('client-gone'));
    this.client.endQueue();
    dispatcher.close();
    reader.close();
    writer.close();
    session.lost();
    this.#server.monitors.remove(this.client);
    this.#closed(this);
  }

  async #leave(): Promise<number> {
    const { reader, writer, session } = this.client;
    writer.closeAfterReply();
    writer.end();
    reader.close();
    return session.close();
  }
}
