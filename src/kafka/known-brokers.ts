// KnownBrokers: where new clients begin: the addresses of the configuration, and those that the cluster has told since.

/** Of a cluster whose first addresses may be gone by the time that the next client is opened. */
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

  /** Grows when the list changes. */
  get version(): number {
    return this.#version;
  }

  /** As librdkafka takes it. */
  get list(): string {
    return this.#all.join(',');
  }

  /** What a metadata answer says: all brokers of now. None: a broker that knows nothing yet. */
  learn(brokers: readonly { readonly host: string; readonly port: number }[]): void {
    if (brokers.length === 0) return;
    const told = brokers.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).toSorted();
    const all = [...this.#configured, ...told.filter((address) => !this.#configured.includes(address))];
    if (all.join(',') === this.list) return;
    this.#all = all;
    this.#version += 1;
  }
}
