// The REST listener: listeners in front of the API, started and stopped in the program's order.
import type { Gate } from '../core/access/gate.js';
import type { Listener } from '../core/listener.js';
import { Admission } from './admission.js';
import { type ApiOptions, createApi } from './api.js';
import type { HttpLimits } from './config.js';
import { type BoundServer, closeListener, listenTcp, listenUnix, renewTls, type TcpAddress } from './listeners.js';

export interface RestServerOptions extends Omit<ApiOptions, 'maxBodyBytes' | 'admission'> {
  readonly gate: Gate;
  readonly allowedHosts: readonly string[];
  /** Absent: no TCP. */
  readonly tcp?: TcpAddress;
  /** Path of the unix socket; absent: none. */
  readonly unix?: string;
  /** File mode of the unix socket; absent: any user of the machine may connect, as with Kafka-Pixy. */
  readonly unixMode?: number | undefined;
  readonly limits: HttpLimits;
}

export class RestServer implements Listener {
  readonly name = 'http';
  readonly #options: RestServerOptions;
  readonly #servers: BoundServer[] = [];
  readonly #admission: Admission;

  constructor(options: RestServerOptions) {
    this.#options = options;
    this.#admission = new Admission(options.gate, options.allowedHosts);
  }

  /** The listening addresses, TCP first. */
  get addresses(): readonly string[] {
    return this.#servers.map(({ address }) => address);
  }

  /** @throws Error with Kafka-Pixy's text if it cannot listen on an address. */
  async start(): Promise<void> {
    const { tcp, unix, unixMode, limits, log } = this.#options;
    const serve = createApi({
      ...this.#options,
      admission: this.#admission,
      maxBodyBytes: limits.maxBodyBytes,
    });
    if (tcp) await this.#listen('TCP', `tcp ${tcp.host}:${tcp.port}`, () => listenTcp(tcp, limits, serve));
    if (unix) await this.#listen('Unix socket', `unix ${unix}`, () => listenUnix(unix, unixMode, limits, serve));
    log.info({ addresses: this.addresses }, 'HTTP is served');
  }

  reload(): void {
    const [tcp] = this.#servers;
    if (tcp && this.#options.tcp) renewTls(tcp, this.#options.tcp);
  }

  async drain(): Promise<void> {
    this.#options.ops.drain();
    this.#options.proxies.drain();
  }

  closeConsumers(): Promise<void> {
    return this.#options.proxies.closeConsumers();
  }

  /** Requests in flight are answered first. */
  async stopListening(): Promise<void> {
    await Promise.all(this.#servers.map(closeListener));
  }

  close(): Promise<number> {
    return this.#options.proxies.close();
  }

  async #listen(kind: string, where: string, open: () => Promise<BoundServer>): Promise<void> {
    try {
      const bound = await open();
      const isTls = kind === 'TCP' && this.#options.tcp?.tls !== undefined;
      bound.server.on(isTls ? 'secureConnection' : 'connection', (socket) => this.#admission.meet(socket));
      this.#servers.push(bound);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const reason = code === 'EADDRINUSE' ? 'bind: address already in use' : (error as Error).message;
      throw new Error(
        `failed to start ${kind} based HTTP API server: failed to create listener: listen ${where}: ${reason}`,
        { cause: error },
      );
    }
  }
}
