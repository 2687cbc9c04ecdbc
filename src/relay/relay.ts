// The relay: all topics of one configuration, their clusters, the metrics listener, and the end.
import { sleep, within } from '../core/clock.js';
import type { Listener } from '../core/listener.js';
import { type Clock, KafkaError, type KafkaFactory, type Properties } from '../core/ports.js';
import { own } from '../core/promises.js';
import type { Renewal } from '../core/renewal.js';
import { fail, GatewayError } from '../errors.js';
import type { Log } from '../log.js';
import { CheckpointStore } from './checkpoint/checkpoint-store.js';
import { type RelayConfig, resolveRelayConfig } from './config/config.js';
import { parseListenAddress } from './config/listen-address.js';
import { connectionProperties } from './config/properties.js';
import { checkTlsFiles } from './config/tls-files.js';
import { MappingRelay } from './mapping-relay.js';
import { loadFilters } from './record/filter.js';
import { strayLog } from './record/stray-log.js';
import type { MappingView } from './report/mapping-view.js';
import { RelayMetrics } from './report/metrics.js';
import { type OpsPort, type OpsPortOptions, type OpsSource, RelayAnswers } from './report/ops-port.js';
import { type ProgressState, progressBar, progressLine, summaryLine } from './report/progress.js';

export interface RelayOptions {
  readonly config: RelayConfig;
  /** Makes the server of /metrics, /healthz and /readyz; it does not listen yet. */
  readonly ops: (options: OpsPortOptions) => OpsPort;
  /** Opens the clients of one cluster. */
  readonly createKafka: (properties: Properties) => Promise<KafkaFactory>;
  readonly clock: Clock;
  readonly log: Log;
  /** Where to draw a progress bar; absent: progress goes to the log. */
  readonly terminal?: { readonly columns?: number; write(text: string): unknown };
  readonly random?: () => number;
}

/** The result of a relay. */
export interface RelayOutcome {
  /** Topics that stopped with an error. */
  readonly failed: number;
  /** Topics, messages, bytes, seconds, skipped, filtered: as text. */
  readonly summary: string;
}

const progressLogMs = 10_000;
const progressBarMs = 500;
const isSameList = (a: readonly string[], b: readonly string[]): boolean => String(a) === String(b);
/** Time limit for closing what topics share. */
const closeSlackMs = 500;

export class Relay implements Listener {
  readonly name = 'relay';
  /** Settles when every topic has ended: at its end, on request, or with an error. */
  readonly finished: Promise<RelayOutcome>;
  readonly #options: RelayOptions;
  readonly #metrics = new RelayMetrics();
  #ops: OpsPort | undefined;
  /** Which sources of the configuration are used, in turn. */
  readonly #sourceNumbers: readonly number[];
  #relays: MappingRelay[] = [];
  #factories: KafkaFactory[] = [];
  #running: Promise<void> = Promise.resolve();
  #finish: (outcome: RelayOutcome) => void = () => {};
  #failed = 0;
  #began = 0;
  #ended = false;
  /** Deadline once it is to stop. */
  #stopBy: number | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#sourceNumbers = this.#sourceList();
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** The port of /metrics; undefined while it does not listen. */
  get metricsPort(): number | undefined {
    const port = this.#ops?.address?.split(':').at(-1);
    return port === undefined ? undefined : Number(port);
  }

  /** Resolves when the topics are running: it waits for brokers that do not answer. @throws GatewayError `relay-config` */
  async start(): Promise<void> {
    const { config, clock, log } = this.#options;
    const source = this.#source();
    const ops = this.#options.ops({
      address: parseListenAddress(config.app.metrics_server_addr),
      answers: new RelayAnswers(source),
      source,
      registry: this.#metrics.registry,
    });
    const onError = (filter: string): void => this.#metrics.add('filter_stray_errors_total', { filter });
    const filters = await loadFilters(config.filters, (filter) => strayLog(filter, { clock, log, onError }));
    const [target, sources] = await this.#connectClusters();
    this.#ops = ops;
    await ops.start().catch((error: Error) => {
      log.error({ listener: 'relay', err: error.message }, 'metrics cannot be served');
    });
    this.#began = clock.monotonic();
    const store = new CheckpointStore(target, config.target.checkpoint_topic, clock);
    const random = this.#options.random ?? Math.random;
    this.#relays = config.topics.map(
      (mapping) =>
        new MappingRelay({
          mapping,
          config,
          target,
          sources,
          store,
          filters,
          metrics: this.#metrics,
          clock,
          log,
          random,
        }),
    );
    this.#running = this.#runAll();
    own(this.#running, this.#bug);
    if (this.#stopBy !== undefined) for (const relay of this.#relays) relay.stop();
  }

  /** What the console shows of each mapping. */
  mappings(): MappingView[] {
    return this.#relays.map((relay) => relay.view());
  }

  /** On SIGHUP within a gateway. @throws GatewayError `relay-config` */
  reload({ relay }: Renewal): void {
    if (relay) this.renew(resolveRelayConfig(relay, {}));
  }

  /** Takes over the passwords of a configuration that was read again: for the next login of each connection. */
  renew(config: RelayConfig): void {
    const { target, sources } = this.#options.config;
    const before = [target, ...this.#sourceNumbers.map((index) => sources[index]!)];
    this.#factories.forEach((factory, n) => {
      const { servers } = before[n]!;
      // Sources may have changed their order.
      const server = (n === 0 ? [config.target] : config.sources).find((each) => isSameList(each.servers, servers));
      if (server) factory.renew?.({ general: connectionProperties(server, 'renewed'), consumer: {}, producer: {} });
      else
        this.#options.log.warn({ servers }, 'these servers are no longer in the configuration: their password stays');
    });
    this.#options.log.info('passwords were read again');
  }

  async drain(): Promise<void> {
    if (this.#stopBy !== undefined) return;
    const { clock, config } = this.#options;
    this.#stopBy = clock.monotonic() + config.target.session_timeout;
    for (const relay of this.#relays) relay.stop();
    // Even if something hangs: what is not recorded will be read again.
    const cancel = clock.after(config.target.session_timeout, () => this.#end());
    own(this.finished.then(cancel), this.#bug);
  }

  /** Readers close with their topics, which end within the target's session_timeout. */
  async closeConsumers(): Promise<void> {
    const { clock, config } = this.#options;
    const left = (this.#stopBy ?? clock.monotonic() + config.target.session_timeout) - clock.monotonic();
    await within(clock, Math.max(0, left), this.#running);
  }

  async stopListening(): Promise<void> {
    await this.#ops?.close();
  }

  async close(): Promise<number> {
    await this.drain();
    await this.closeConsumers();
    await this.#ops?.close();
    const undelivered = this.#relays.reduce((sum, relay) => sum + relay.pending, 0);
    await within(
      this.#options.clock,
      closeSlackMs,
      Promise.all(this.#factories.splice(0).map((factory) => factory.close())),
    );
    return undelivered;
  }

  #source(): OpsSource {
    return {
      metrics: () => this.#metrics.text(),
      mappings: () => this.mappings(),
      readiness: () => ({
        ready:
          this.#relays.length > 0 &&
          this.#relays.every((relay) => relay.state === 'relaying' || relay.state === 'ended'),
        topics: Object.fromEntries(this.#relays.map((relay) => [relay.name, relay.state])),
      }),
    };
  }

  async #connectClusters(): Promise<[KafkaFactory, KafkaFactory[]]> {
    const { config, createKafka } = this.#options;
    const clusters = [
      { server: config.target, where: 'target' },
      ...this.#sourceNumbers.map((index) => ({ server: config.sources[index]!, where: `sources[${index}]` })),
    ].map(({ server, where }) => ({ server, where, properties: connectionProperties(server, where) }));
    for (const { server, where } of clusters) checkTlsFiles(server, where);
    for (const { where, properties } of clusters) {
      try {
        this.#factories.push(await createKafka(properties));
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        throw fail('relay-config', `${where}: ${error.message}`);
      }
    }
    const [first, ...rest] = this.#factories;
    return [first!, rest];
  }

  /** Single mode keeps the first source (of the shuffled list). */
  #sourceList(): number[] {
    const { config, random = Math.random } = this.#options;
    const list = config.sources.map((_, index) => ({
      index,
      order: config.pool.randomize_initial ? random() : index,
    }));
    list.sort((a, b) => a.order - b.order);
    return (config.mode === 'single' ? list.slice(0, 1) : list).map(({ index }) => index);
  }

  readonly #bug = (err: unknown): void => {
    this.#options.log.error({ err }, 'The relay failed: this is a bug');
  };

  async #runAll(): Promise<void> {
    const { log } = this.#options;
    const showing = this.#showProgress();
    await Promise.all(
      this.#relays.map((relay) =>
        relay.run().then(
          () => log.info({ topic: relay.name }, 'topic ended'),
          (error: unknown) => {
            this.#failed += 1;
            // Refusals are for the operator; anything else is a defect, logged with its stack.
            const err = error instanceof GatewayError ? error.message : error;
            log.error({ topic: relay.name, err }, 'topic stopped; the others go on');
          },
        ),
      ),
    );
    this.#ended = true;
    await showing;
    this.#end();
  }

  #end(): void {
    const summary = summaryLine(this.#relays.length, this.#failed, this.#progress(0));
    this.#finish({ failed: this.#failed, summary });
  }

  async #showProgress(): Promise<void> {
    const { terminal, clock, log } = this.#options;
    let before = { messages: 0, at: clock.monotonic() };
    let shownAt = before.at;
    while (!this.#ended) {
      await sleep(clock, this.#relays.length === 0 ? 0 : 250);
      const now = clock.monotonic();
      if (now - shownAt < (terminal ? progressBarMs : progressLogMs)) continue;
      const messages = this.#sum((relay) => relay.metrics.total.messages);
      const state = this.#progress(((messages - before.messages) * 1_000) / Math.max(1, now - before.at));
      before = { messages, at: now };
      shownAt = now;
      if (terminal) terminal.write(`\r${progressBar(state, terminal.columns || 80)}\x1b[K`);
      else log.info({ listener: 'relay' }, progressLine(state));
    }
    if (terminal) terminal.write('\r\x1b[K');
  }

  #progress(rate: number): ProgressState {
    const known = this.#relays
      .filter((relay) => relay.state !== 'stopped with an error')
      .map((relay) => relay.remaining);
    return {
      messages: this.#sum((relay) => relay.metrics.total.messages),
      bytes: this.#sum((relay) => relay.metrics.total.bytes),
      filtered: this.#sum((relay) => relay.metrics.total.filtered),
      skipped: this.#sum((relay) => relay.metrics.total.skipped),
      remaining: known.every((value) => value === undefined)
        ? undefined
        : known.reduce<number>((sum, value) => sum + (value ?? 0), 0),
      hidden: this.#relays.flatMap((relay) => relay.hidden ?? []),
      seconds: (this.#options.clock.monotonic() - this.#began) / 1_000,
      rate,
    };
  }

  #sum(value: (relay: MappingRelay) => number): number {
    return this.#relays.reduce((sum, relay) => sum + value(relay), 0);
  }
}
