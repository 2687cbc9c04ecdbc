// ClusterHealth: whether a cluster can store records, judged from its metadata, brokers and controllers.
import { within } from './clock.js';
import type { Admin, Clock, TopicMetadata } from './ports.js';
import { all, own } from './promises.js';
import type { LogSink } from './stats/session-log.js';

export interface Health {
  /** The overall state. */
  readonly state: 'ok' | 'UNDER_REPLICATED' | 'NO_QUORUM' | 'NOT_ENOUGH_REPLICAS' | 'UNREACHABLE';
  /** Nothing can be stored, in any topic. */
  readonly isDown: boolean;
  readonly partitions: number;
  readonly underReplicated: number;
  /** Partitions that accept nothing: without a leader, or with fewer in-sync replicas than min.insync.replicas. */
  readonly notEnoughReplicas: number;
  /** Brokers that the cluster expects and that accept no connection. */
  readonly brokersDown: number;
  /** Undefined: unknown. */
  readonly hasQuorum: boolean | undefined;
  /** What is wrong, one line each. */
  readonly lines: readonly string[];
}

/** Check interval, and the interval while something is wrong, ms. */
const everyMs = 30_000;
const everyMsInTrouble = 5_000;
/** How long a client's error makes the cluster suspect, ms. */
const suspectMs = 60_000;
/** Maximum age of an answer, ms. */
const maxAgeMs = 1_000;
/** Interval of repeated log lines, ms. */
const toldMs = 60_000;
/** How long a check waits for controllers and topic settings, ms. */
const detailsMs = 700;
/** How long a topic's min.insync.replicas is cached, ms. */
const settingMs = 60_000;
/** Topics named in a line. */
const mostNamed = 10;

export class ClusterHealth {
  readonly #name: string;
  readonly #admin: Admin;
  readonly #clock: Clock;
  readonly #log: LogSink;
  readonly #least = new Map<string, { readonly least: number; readonly at: number }>();
  #latest: Health | undefined;
  #looking: Promise<Health> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #suspectUntil = Number.NEGATIVE_INFINITY;
  #toldAt = Number.NEGATIVE_INFINITY;
  /** As last answered. */
  #hasQuorum: boolean | undefined;
  #asking: Promise<void> | undefined;
  #stop: (() => void) | undefined;
  #isStopped = false;

  constructor(name: string, admin: Admin, clock: Clock, log: LogSink) {
    this.#name = name;
    this.#admin = admin;
    this.#clock = clock;
    this.#log = log;
  }

  /** Result of the last check; undefined before the first. */
  get latest(): Health | undefined {
    return this.#latest;
  }

  /** Checks periodically, and logs what is wrong once a minute. */
  watch(): void {
    if (this.#isStopped) return;
    const isInTrouble = this.#isSuspect || (this.#latest !== undefined && this.#latest.state !== 'ok');
    this.#stop?.();
    this.#stop = this.#clock.after(isInTrouble ? everyMsInTrouble : everyMs, () => {
      own(
        this.look(this.#isSuspect || isInTrouble).finally(() => this.watch()),
        () => {},
      );
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#stop?.();
  }

  /** A client had an error from a broker or for its records: check the cluster soon. */
  suspect(): void {
    const wasSuspect = this.#isSuspect;
    this.#suspectUntil = this.#clock.monotonic() + suspectMs;
    if (!wasSuspect && this.#stop) this.watch();
  }

  /** The cluster's state, at most a second old. @param closely ask brokers and controllers even if nothing seems wrong. Never rejects. */
  look(closely: boolean): Promise<Health> {
    const now = this.#clock.monotonic();
    if (!this.#looking || now - this.#lookedAt > maxAgeMs) {
      this.#lookedAt = now;
      this.#looking = this.#look(closely);
    }
    return this.#looking;
  }

  get #isSuspect(): boolean {
    return this.#clock.monotonic() < this.#suspectUntil;
  }

  async #look(closely: boolean): Promise<Health> {
    const health = await this.#ask(closely).catch((error: Error) => unreachable(error.message));
    const before = this.#latest;
    this.#latest = health;
    const now = this.#clock.monotonic();
    const cluster = this.#name;
    if (health.state === 'ok') {
      if (before && before.state !== 'ok') this.#log.info({ cluster, was: before.state }, 'Kafka has recovered');
      this.#toldAt = Number.NEGATIVE_INFINITY;
    } else if (before?.state !== health.state || now - this.#toldAt >= toldMs) {
      this.#toldAt = now;
      this.#log.warn({ cluster, state: health.state, trouble: health.lines }, 'Kafka is degraded');
    }
    return health;
  }

  async #ask(closely: boolean): Promise<Health> {
    const topics = await this.#admin.topics();
    const isShortOfSome = topics.some(({ partitions }) => partitions.some(isShort));
    const down = closely || isShortOfSome ? await this.#brokersDown() : new Map<number, string>();
    const short = topics.filter(({ partitions }) =>
      partitions.some((each) => isShort(each) || inSync(each, down) < each.replicas.length),
    );
    const names = short.map(({ name }) => name);
    if (down.size > 0 || short.length > 0 || this.#isSuspect)
      await within(
        this.#clock,
        detailsMs,
        all([this.#askQuorum(), this.#askLeast(names)], (asked) => asked),
      );
    else this.#hasQuorum = undefined;
    const least = new Map(names.map((name) => [name, this.#least.get(name)?.least ?? 1]));
    return judge({ topics, short, down, least, hasQuorum: this.#hasQuorum });
  }

  async #brokersDown(): Promise<Map<number, string>> {
    const brokers = await this.#admin.brokers();
    return new Map(brokers.filter(({ isUp }) => !isUp).map(({ id, address }) => [id, address]));
  }

  /** What arrives too late for this check counts at the next. */
  #askQuorum(): Promise<void> {
    this.#asking ??= this.#admin
      .hasQuorum()
      .then(
        (answer) => {
          this.#hasQuorum = answer;
        },
        () => {
          this.#hasQuorum = undefined;
        },
      )
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  /** min.insync.replicas; nothing is assumed for topics whose settings cannot be read. */
  async #askLeast(names: readonly string[]): Promise<void> {
    const before = this.#clock.monotonic() - settingMs;
    for (const [name, { at }] of this.#least) if (at < before) this.#least.delete(name);
    const unknown = names.filter((name) => !this.#least.has(name));
    if (unknown.length === 0) return;
    const configs = await this.#admin.topicConfigs(unknown).catch(() => new Map<string, never>());
    const at = this.#clock.monotonic();
    for (const [name, config] of configs)
      this.#least.set(name, { least: Number(config.get('min.insync.replicas')?.value ?? 1), at });
  }
}

type Partition = TopicMetadata['partitions'][number];

const isShort = ({ leader, replicas, isrs }: Partition): boolean => leader < 0 || isrs.length < replicas.length;

/** Without its controllers a cluster keeps listing brokers that are gone. */
const inSync = ({ isrs }: Partition, down: ReadonlyMap<number, string>): number =>
  isrs.filter((id) => !down.has(id)).length;

interface Facts {
  readonly topics: readonly TopicMetadata[];
  readonly short: readonly TopicMetadata[];
  readonly down: ReadonlyMap<number, string>;
  readonly least: ReadonlyMap<string, number>;
  readonly hasQuorum: boolean | undefined;
}

function judge({ topics, short, down, least, hasQuorum }: Facts): Health {
  const partitions = topics.reduce((sum, topic) => sum + topic.partitions.length, 0);
  let underReplicated = 0;
  let notEnoughReplicas = 0;
  const refusing = new Set<string>();
  for (const topic of short)
    for (const partition of topic.partitions) {
      const left = inSync(partition, down);
      if (left < partition.replicas.length) underReplicated += 1;
      if (partition.leader >= 0 && !down.has(partition.leader) && left >= least.get(topic.name)!) continue;
      notEnoughReplicas += 1;
      refusing.add(topic.name);
    }
  const lines: string[] = [];
  if (notEnoughReplicas > 0)
    lines.push(
      `NOT_ENOUGH_REPLICAS: ${notEnoughReplicas} of ${partitions} partitions take nothing, they have no leader or fewer replicas in sync than min.insync.replicas: ${named([...refusing])}`,
    );
  if (hasQuorum === false) lines.push('NO_QUORUM: the controllers have no leader, topics and leaders stay as they are');
  if (underReplicated > 0)
    lines.push(`UNDER_REPLICATED: ${underReplicated} of ${partitions} partitions have replicas that are not in sync`);
  if (down.size > 0) lines.push(`brokers that take no connection: ${named([...down.values()])}`);
  return {
    state:
      notEnoughReplicas > 0
        ? 'NOT_ENOUGH_REPLICAS'
        : hasQuorum === false
          ? 'NO_QUORUM'
          : underReplicated > 0
            ? 'UNDER_REPLICATED'
            : 'ok',
    isDown: partitions > 0 && notEnoughReplicas === partitions,
    partitions,
    underReplicated,
    notEnoughReplicas,
    brokersDown: down.size,
    hasQuorum,
    lines,
  };
}

const unreachable = (reason: string): Health => ({
  state: 'UNREACHABLE',
  isDown: true,
  partitions: 0,
  underReplicated: 0,
  notEnoughReplicas: 0,
  brokersDown: 0,
  hasQuorum: undefined,
  lines: [reason],
});

function named(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return `${names.slice(0, mostNamed).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
