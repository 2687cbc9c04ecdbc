// KafkaFactory on librdkafka: opens connected clients from one cluster's properties.
import { randomUUID } from 'node:crypto';
import {
  type Admin,
  type Consumer,
  type ConsumerOptions,
  KafkaCode,
  type KafkaFactory,
  type Producer,
  type ProducerOptions,
  type Properties,
} from '../core/ports.js';
import { own } from '../core/promises.js';
import type { Log } from '../log.js';
import { ClusterAdmin } from './admin/admin.js';
import { tooOldFor } from './broker-version.js';
import { checkProperties } from './client.js';
import { openConsumer } from './consumer/consumer.js';
import { Credentials } from './credentials.js';
import { type EmbeddedKafka, embeddedConsumer, openEmbedded } from './embedded/embedded.js';
import { EmbeddedAdmin } from './embedded/embedded-admin.js';
import { EmbeddedPartitions, mostPartitions } from './embedded/embedded-partitions.js';
import { EmbeddedTimes } from './embedded/embedded-times.js';
import { refuse } from './fault.js';
import { KnownBrokers } from './known-brokers.js';
import { native } from './native.js';
import { LingerScheduler } from './producer/linger-scheduler.js';
import type { ProduceBudget } from './producer/produce-budget.js';
import { openProducer } from './producer/producer.js';
import {
  adminProperties,
  consumerProperties,
  isIdempotent,
  producerProperties,
  type Section,
  whyNotIdempotent,
  withoutGoKeys,
} from './properties.js';

export interface KafkaFactoryOptions {
  /** The cluster's sections as the user wrote them; global and topic level may be mixed. */
  readonly general?: Properties;
  readonly consumer?: Properties;
  readonly producer?: Properties;
  /** Run Kafka in this process, or use the one at this address in another process of the gateway; `bootstrap.servers` is then set by us. */
  readonly embedded?: boolean | { readonly brokers: string };
  /** Partitions of the embedded Kafka's topics: at most four; absent: four. */
  readonly embeddedPartitions?: number | undefined;
  /** How many processes like this one serve clients of the cluster; absent: only this one. */
  readonly processes?: number | undefined;
  /** Memory limit of records shared with other producers; absent: only librdkafka's limit per producer. */
  readonly budget?: ProduceBudget | undefined;
  readonly log: Log;
}

/**
 * Makes the factory of one cluster; starts the embedded cluster if requested. Otherwise no broker is contacted.
 * @throws KafkaError naming the property that librdkafka refuses, and its section.
 */
export async function createKafkaFactory(options: KafkaFactoryOptions): Promise<KafkaFactory> {
  const { log } = options;
  const section = (name: 'general' | 'consumer' | 'producer'): Section =>
    withoutGoKeys({ name, properties: options[name] ?? {} }, log);
  const sections = { general: section('general'), consumer: section('consumer'), producer: section('producer') };
  await checkSections(sections, log);
  const obstacle = whyNotIdempotent([sections.general, sections.producer]);
  if (obstacle) log.warn({ property: obstacle }, 'producing without idempotence, which this property excludes');
  if (!options.embedded) checkBrokers(sections);
  const { embeddedPartitions = mostPartitions } = options;
  if (options.embedded === true && embeddedPartitions > mostPartitions)
    log.warn({ wanted: embeddedPartitions }, `topics of the embedded Kafka have ${mostPartitions} partitions at most`);
  const partitions = new EmbeddedPartitions(embeddedPartitions);
  const embedded = options.embedded ? await openEmbedded(options.embedded, partitions, log) : undefined;
  const lingerScheduler = new LingerScheduler({ processes: options.processes });
  return new RdKafkaFactory(sections, log, embedded, lingerScheduler, options.budget);
}

type Sections = Record<'general' | 'consumer' | 'producer', Section>;

async function checkSections({ general, consumer, producer }: Sections, log: Log): Promise<void> {
  const quiet = { log, onFault: () => {} };
  const group: Section = { name: 'session', properties: { 'group.id': 'rafka-check' } };
  const properties = consumerProperties([general, consumer, group]);
  await checkProperties({ kind: 'consumer', create: native.KafkaConsumer, properties, ...quiet });
  const ofProducer = producerProperties([general, producer]);
  await checkProperties({ kind: 'producer', create: native.Producer, properties: ofProducer, ...quiet });
}

/** Without brokers librdkafka would wait forever without an error. */
function checkBrokers({ general, consumer, producer }: Sections): void {
  const places = ['bootstrap.servers', 'metadata.broker.list', 'test.mock.num.brokers'];
  for (const { name, properties } of [consumer, producer]) {
    const all = { ...general.properties, ...properties };
    if (!places.some((key) => all[key]))
      throw refuse(KafkaCode.invalidArgument, `general: bootstrap.servers is missing: the ${name} knows no Kafka`);
  }
}

/** Maximum age of the known broker list when a client is opened, ms. */
const learnMs = 60_000;
/** Time limit for a client of the embedded Kafka to connect, ms. */
const embeddedConnectMs = 5_000;

class RdKafkaFactory implements KafkaFactory {
  readonly brokers: string;
  readonly embedded: boolean;
  readonly maxMessageBytes: number;
  readonly admin: Admin;
  readonly #producer: readonly Section[];
  readonly #consumer: readonly Section[];
  readonly #producerLogin = new Credentials();
  readonly #consumerLogin = new Credentials();
  readonly #log: Log;
  readonly #embedded: EmbeddedKafka | undefined;
  readonly #times: EmbeddedTimes | undefined;
  readonly #known: KnownBrokers;
  #learnedAt = Number.NEGATIVE_INFINITY;
  readonly #lingerScheduler: LingerScheduler;
  readonly #budget: ProduceBudget | undefined;

  constructor(
    { general, consumer, producer }: Sections,
    log: Log,
    embedded: EmbeddedKafka | undefined,
    lingerScheduler: LingerScheduler,
    budget: ProduceBudget | undefined,
  ) {
    this.#budget = budget;
    this.#lingerScheduler = lingerScheduler;
    const above: Section[] = embedded
      ? [{ name: 'embedded', properties: { 'bootstrap.servers': embedded.brokers } }]
      : [];
    const own = [general, producer, ...above];
    this.#producer = budget ? withinBudget(own, budget, log) : own;
    this.#consumer = [general, consumer, ...above];
    this.#log = log;
    this.embedded = embedded !== undefined;
    this.#embedded = embedded;
    this.#times = embedded && new EmbeddedTimes(() => this.#openConsumer({}, embeddedConnectMs));
    const effective = producerProperties(this.#producer).global;
    this.brokers = effective['bootstrap.servers'] ?? effective['metadata.broker.list'] ?? '';
    this.maxMessageBytes = Number(effective['message.max.bytes'] ?? 1_000_000);
    this.#known = new KnownBrokers(this.brokers);
    const properties = () => ({
      ...adminProperties([...this.#producer, ...this.#begin, override(this.#producerLogin.renewed)]),
      credentials: this.#producerLogin,
    });
    this.admin = embedded
      ? new EmbeddedAdmin(properties, this.#known, embedded.partitions, log, (groupId, own) =>
          this.consumer({ groupId, properties: own }, embeddedConnectMs),
        )
      : new ClusterAdmin(properties, this.#known, log, '');
  }

  async producer(options: ProducerOptions, timeoutMs: number): Promise<Producer> {
    const producer = await this.#openProducer(options, timeoutMs);
    return this.#embedded ? this.#embedded.partitions.limit(producer) : producer;
  }

  #openProducer(options: ProducerOptions, timeoutMs: number): Promise<Producer> {
    this.#learn();
    const below = options.lingerMs ? [gathered] : [];
    const login = this.#producerLogin;
    const sections = [...this.#producer, ...this.#begin, override(login.renewed), override(options.properties)];
    const properties = { ...producerProperties([...below, ...sections]), credentials: login };
    if (isIdempotent(properties.global)) this.#refuseOld('idempotence');
    return openProducer(
      this.#embedded ? withoutTime(options) : options,
      properties,
      this.#log,
      timeoutMs,
      this.#lingerScheduler,
      // The writer bounds what it writes in transactions.
      properties.sectionOf.has('transactional.id') ? undefined : this.#budget,
    );
  }

  /** @throws KafkaError when the brokers are known to be too old. Nothing waits for it: librdkafka ends a producer that they cannot serve. */
  #refuseOld(feature: 'idempotence'): void {
    const { knownApis } = this.admin instanceof ClusterAdmin ? this.admin : {};
    const text = knownApis && tooOldFor(feature, knownApis);
    if (text !== undefined) throw refuse(KafkaCode.unsupportedFeature, text);
  }

  async consumer(options: ConsumerOptions, timeoutMs: number): Promise<Consumer> {
    const consumer = await this.#openConsumer(options, timeoutMs);
    const times = this.#times;
    return times ? Object.assign(consumer, { offsetsForTimes: times.find.bind(times) }) : consumer;
  }

  async #openConsumer(options: ConsumerOptions, timeoutMs: number): Promise<Consumer> {
    const identity: Properties = {
      // Equal client.ids confuse cooperative assignors, so each consumer has its own.
      'client.id': options.clientId ?? `rafka-${randomUUID().slice(0, 8)}`,
      // librdkafka consumers need a group; one without joins or commits does no harm.
      ...(options.groupId === undefined
        ? { 'group.id': `rafka-ungrouped-${randomUUID()}`, 'enable.auto.commit': false }
        : { 'group.id': options.groupId }),
      ...(options.onEnd ? { 'enable.partition.eof': true } : {}),
      // A rebalance callback receives whole assignments, which only eager assignors of the classic protocol make.
      ...(options.rebalance
        ? { 'group.protocol': 'classic', 'partition.assignment.strategy': 'range,roundrobin' }
        : {}),
    };
    this.#learn();
    const sections = [
      ...this.#consumer,
      ...this.#begin,
      override(this.#consumerLogin.renewed),
      override(options.properties),
      { name: 'session', properties: identity },
    ];
    const below = this.#embedded ? [embeddedConsumer(sections, options.rebalance !== undefined)] : [];
    const properties = { ...consumerProperties([...below, ...sections]), credentials: this.#consumerLogin };
    const { 'group.protocol': protocol, 'session.timeout.ms': session } = properties.global;
    if (this.admin instanceof EmbeddedAdmin && options.groupId !== undefined && protocol !== 'consumer')
      this.admin.seen(options.groupId, Number(session));
    if (this.admin instanceof ClusterAdmin && options.groupId !== undefined && protocol === 'consumer')
      await this.admin.checkNewGroupProtocol();
    return openConsumer(options, properties, this.#log, timeoutMs, this.#embedded?.create);
  }

  renew({ general, consumer, producer }: Readonly<Record<'general' | 'consumer' | 'producer', Properties>>): void {
    this.#producerLogin.renew({ ...general, ...producer });
    this.#consumerLogin.renew({ ...general, ...consumer });
  }

  /** First brokers of a client, if the cluster has reported more than the configuration. */
  get #begin(): Section[] {
    if (this.#known.version === 0) return [];
    return [{ name: 'known brokers', properties: { 'bootstrap.servers': this.#known.list } }];
  }

  /** For later clients. */
  #learn(): void {
    const now = performance.now();
    if (this.#embedded || now - this.#learnedAt < learnMs) return;
    this.#learnedAt = now;
    // Callers that wait for an answer get the error.
    own(
      this.admin.topics([]).then(() => this.admin.release()),
      () => {},
    );
  }

  async close(): Promise<void> {
    await this.admin.close();
    await this.#times?.close();
    await this.#embedded?.stop();
  }
}

/** What one producer may hold: its share, or the user's setting, but no more than all together. */
function withinBudget(sections: readonly Section[], budget: ProduceBudget, log: Log): Section[] {
  const key = 'queue.buffering.max.kbytes';
  const own = producerProperties(sections).global[key];
  const most = Math.floor(budget.limit / 1_024);
  if (own === undefined)
    return [{ name: 'default', properties: { [key]: Math.ceil(budget.share / 1_024) } }, ...sections];
  if (Number(own) <= most) return [...sections];
  log.warn({ [key]: own, used: most }, 'exceeds resp.produceBufferBytes, which is used instead');
  return [...sections, { name: 'default', properties: { [key]: most } }];
}

/** Its records have lingered already; without a linger librdkafka's default spreads neighbours without a key over partitions. */
const gathered: Section = { name: 'default', properties: { 'linger.ms': 0, 'sticky.partitioning.linger.ms': 10 } };

const override = (properties: Properties = {}): Section => ({ name: 'override', properties });

/** The embedded Kafka reports the same time for every record, and not the one that it stores. */
function withoutTime(options: ProducerOptions): ProducerOptions {
  return { ...options, onReport: (report, tag) => options.onReport({ ...report, timestamp: -1 }, tag) };
}
