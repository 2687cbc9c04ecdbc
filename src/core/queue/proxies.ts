// The clusters by the names that REST and gRPC clients use; the first is the default one.
import { fail } from '../../errors.js';
import type { User } from '../access/user.js';
import type { KafkaProxy } from './proxy.js';
import { UserProxy } from './user-proxy.js';

export class Proxies {
  readonly #byName: ReadonlyMap<string, KafkaProxy>;
  readonly #default: KafkaProxy | undefined;
  readonly #allowInternal: boolean;
  #closing: Promise<number> | undefined;
  #consumersClosing: Promise<void> | undefined;

  /** @param options.defaultName absent: the first one. @param options.allowInternal absent: Kafka's own topics may be used. */
  constructor(
    proxies: readonly KafkaProxy[],
    options: { defaultName?: string | undefined; allowInternal?: boolean } = {},
  ) {
    const { defaultName, allowInternal = true } = options;
    this.#allowInternal = allowInternal;
    this.#byName = new Map(proxies.map((proxy) => [proxy.name, proxy]));
    this.#default = defaultName === undefined ? proxies[0] : this.#byName.get(defaultName);
  }

  /** @param name absent or empty: the default cluster. @throws GatewayError `cluster-unknown` */
  get(name?: string): KafkaProxy {
    const found = name ? this.#byName.get(name) : this.#default;
    if (!found) throw fail('cluster-unknown', name ?? 'default');
    return found;
  }

  /** The cluster as this user sees it. @throws GatewayError `cluster-unknown` */
  for(user: User, name?: string): UserProxy {
    return new UserProxy(this.get(name), user, this.#allowInternal);
  }

  [Symbol.iterator](): Iterator<KafkaProxy> {
    return this.#byName.values();
  }

  /** Waiting polls are answered with an error, and no new ones are accepted. */
  drain(): void {
    for (const proxy of this) proxy.drain();
  }

  /** Runs once, however many listeners call it. */
  closeConsumers(): Promise<void> {
    this.#consumersClosing ??= Promise.all([...this].map((proxy) => proxy.closeConsumers())).then(() => {});
    return this.#consumersClosing;
  }

  /** Runs once, however many listeners call it; only the first gets the count. @returns messages that were not delivered. */
  async close(): Promise<number> {
    if (this.#closing) {
      await this.#closing;
      return 0;
    }
    this.#closing = Promise.all([...this].map((proxy) => proxy.close())).then((left) =>
      left.reduce((sum, each) => sum + each, 0),
    );
    return this.#closing;
  }
}
