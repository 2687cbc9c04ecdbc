// The gRPC face: a grpc-js server with the service, started and stopped in the program's order.
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Face } from '../core/face.js';
import { implementation, type ServiceOptions, serviceDefinition } from './service.js';

export interface GrpcFaceOptions extends ServiceOptions {
  readonly host: string;
  readonly port: number;
  /** PEM texts; absent: without TLS. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  readonly maxMessageBytes: number;
}

/** How long calls in flight may take once listening has ended, ms. */
const closeMs = 5_000;

export class GrpcFace implements Face {
  readonly name = 'grpc';
  readonly #options: GrpcFaceOptions;
  readonly #server: Server;
  #address: string | undefined;

  constructor(options: GrpcFaceOptions) {
    this.#options = options;
    this.#server = new Server({
      'grpc.max_receive_message_length': options.maxMessageBytes,
      'grpc.max_send_message_length': -1,
      'grpc.enable_channelz': 0,
    });
    this.#server.addService(serviceDefinition(), implementation(options));
  }

  /** Where it listens. */
  get address(): string | undefined {
    return this.#address;
  }

  /** @throws Error in Kafka-Pixy's words when the address can't be had. */
  async start(): Promise<void> {
    const { host, port, tls, log } = this.#options;
    const credentials = tls
      ? ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.cert }])
      : ServerCredentials.createInsecure();
    const bound = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(`${host}:${port}`, credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    }).catch((error: Error) => {
      throw new Error(`failed to start gRPC server: failed to create listener: ${error.message}`, { cause: error });
    });
    this.#address = `${host}:${bound}`;
    log.info({ address: this.#address }, 'gRPC is served');
  }

  async drain(): Promise<void> {
    this.#options.proxies.drain();
  }

  closeConsumers(): Promise<void> {
    return this.#options.proxies.closeConsumers();
  }

  /** Calls in flight are answered first, for a while. */
  async stopListening(): Promise<void> {
    await new Promise<void>((resolve) => {
      const impatient = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, closeMs);
      this.#server.tryShutdown(() => {
        clearTimeout(impatient);
        resolve();
      });
    });
  }

  close(): Promise<number> {
    return this.#options.proxies.close();
  }
}
