// A gRPC client of the listener, made from the .proto file as a user's would be.

import { join } from 'node:path';
import { type Client, credentials, Metadata, makeClientConstructor, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const proto = join(import.meta.dirname, '../../src/grpc/kafkapixy.proto');

/** A reply's fields; tests inspect replies of every shape. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Reply = any;

export class PixyClient {
  readonly #metadata = new Metadata();
  readonly #client: Client & Record<string, unknown>;

  /** @param authorization sent with each call. */
  constructor(address: string, tls?: Buffer, authorization?: string) {
    if (authorization !== undefined) this.#metadata.set('authorization', authorization);
    const loaded = loadSync(proto, { keepCase: true, longs: Number, defaults: true });
    const Made = makeClientConstructor(loaded.KafkaPixy as never, 'KafkaPixy');
    const security = tls ? credentials.createSsl(tls) : credentials.createInsecure();
    this.#client = new Made(address, security) as unknown as Client & Record<string, unknown>;
  }

  /** @throws ServiceError with code and details */
  call(method: string, request: object, deadlineMs = 20_000): Promise<Reply> {
    return this.start(method, request, deadlineMs).reply;
  }

  /** A call that can be cancelled. */
  start(method: string, request: object, deadlineMs = 20_000): { reply: Promise<Reply>; cancel: () => void } {
    let cancel = (): void => {};
    const reply = new Promise<Reply>((resolve, reject) => {
      const run = this.#client[method] as (...args: unknown[]) => { cancel(): void };
      const options = { deadline: Date.now() + deadlineMs };
      const call = run.call(
        this.#client,
        request,
        this.#metadata,
        options,
        (error: ServiceError | null, value: Reply) => (error ? reject(error) : resolve(value)),
      );
      cancel = () => call.cancel();
    });
    return { reply, cancel };
  }

  /** Repeats after a long poll without a message. */
  async take(request: object, tries = 8): Promise<Reply> {
    for (let left = tries; ; left--) {
      try {
        return await this.call('ConsumeNAck', request);
      } catch (error) {
        if ((error as ServiceError).code !== 5 || left <= 1) throw error;
      }
    }
  }

  close(): void {
    this.#client.close();
  }
}
