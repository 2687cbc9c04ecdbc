// KnownBrokers: the first addresses of new clients: those of the configuration, and those that the cluster has reported since.

/** For a cluster whose configured addresses may be gone when the next client is opened. */
export class KnownBrokers {
  readonly #configured: readonly string[];
  #all: readonly string[];
  #version = 0;

  /** @param configured a comma-separated list */
  constructor(configured: string) {
    this.#configured = configured
      .split(',')
      .map((address) => address.trim())
      .filter((address) => address !== '');
    this.#all = this.#configured;
  }

  /** Increases when the list changes. */
  get version(): number {
    return this.#version;
  }

  /** In librdkafka's format. */
  get list(): string {
    return this.#all.join(',');
  }

  /** A metadata answer: all current brokers. None: the broker does not know any yet. */
  learn(brokers: readonly { readonly host: string; readonly port: number }[]): void {
    if (brokers.length === 0) return;
    const learned = brokers.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).toSorted();
    const all = [...this.#configured, ...learned.filter((address) => !this.#configured.includes(address))];
    if (all.join(',') === this.list) return;
    this.#all = all;
    this.#version += 1;
  }
}
