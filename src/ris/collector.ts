// One collector on one replica: receives always, publishes while it leads.
import { sleep, within } from '../core/clock.js';
import type { Clock, KafkaFactory } from '../core/ports.js';
import type { Stats } from '../core/stats/stats.js';
import type { Log } from '../log.js';
import { upTo } from './checkpoint/checkpoint.js';
import { ensureTopic } from './checkpoint/checkpoint-topic.js';
import type { Progress } from './checkpoint/progress-reading.js';
import type { RisConfig } from './config.js';
import { Ingest, type RisCounter } from './feed/ingest.js';
import type { MalformedReason } from './feed/message.js';
import type { Election } from './leadership/elector.js';
import { Leader, type LeaderOptions, readEntries } from './leadership/leader.js';
import { type Batch, Publisher } from './leadership/publisher.js';
import { isProducerLost, Term, TermOver, TopicsRefused } from './leadership/term.js';
import { TopicGate } from './leadership/topic-gate.js';

export interface CollectorDeps {
  readonly kafka: KafkaFactory;
  readonly election: Election;
  /** This replica's name. */
  readonly replica: string;
  readonly version: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly stats: Stats;
  /** A child logger that names the host. */
  readonly log: Log;
}

/** For the progress line. */
export interface CollectorFigures {
  readonly host: string;
  readonly leader: boolean;
  readonly received: number;
  readonly published: number;
  /** How far the last published message is behind the clock, ms; null: nothing was published. */
  readonly lagMs: number | null;
  readonly backlog: number;
  readonly backlogBytes: number;
  readonly peersUp: number;
  readonly connected: boolean;
  /** Messages that came after the reorder window, and that a full buffer had no room for. */
  readonly late: number;
  readonly dropped: number;
  /** How long there has been no feed, and Redis has not answered, ms; 0: they are there. */
  readonly feedAwayMs: number;
  readonly redisAwayMs: number;
  /** How long this replica has led and committed nothing while messages wait, ms. */
  readonly stuckMs: number;
}

/** What the console shows beside the figures. */
export interface CollectorView extends CollectorFigures {
  /** Whether another receiving replica is known. */
  readonly hasOthers: boolean;
  /** The bound of backlogBytes. */
  readonly bufferBytes: number;
}

/** A peer as the leader publishes it. */
export interface PeerView {
  readonly address: string;
  readonly asn: number;
  readonly state: 'unknown' | 'up' | 'down';
}

/** Interval at which a standby checks whether it leads, in case it was not notified, ms. */
const standbyMs = 1_000;
/** Pauses after a failed term: first and longest, ms. */
const retryMinMs = 200;
const retryMaxMs = 5_000;

/** Owned by the worker; start() once, then drain() and close(). */
export class Collector {
  readonly #name: string;
  readonly #config: RisConfig;
  readonly #deps: CollectorDeps;
  readonly #ingest: Ingest;
  readonly #gate: TopicGate;
  #running: Promise<void> = Promise.resolve();
  #publisher: Publisher | undefined;
  #leader: Leader | undefined;
  #stopping = false;
  #flushing = false;
  #committed: number | null = null;
  #published = 0;
  /** Since when messages wait without a commit, or this replica leads, ms of the steady clock; null: nothing waits. */
  #waitingSince: number | null = null;
  #wake: () => void = () => {};

  constructor(name: string, config: RisConfig, deps: CollectorDeps) {
    this.#name = name;
    this.#config = config;
    this.#deps = deps;
    const { election, kafka, clock, log } = deps;
    this.#gate = new TopicGate({
      admin: kafka.admin,
      clock,
      log,
      topics: config.topics,
      headers: config.headers,
      compression: config.compression,
      onMarked: (topics) => this.#count('ris.holes', topics),
      onRefused: (reason, records) => this.#count('ris.refused', records, reason),
    });
    this.#ingest = new Ingest({
      ...deps,
      collector: name,
      config,
      role: () => (this.#publisher ? 'publishing' : election.leads() ? 'elected' : 'standby'),
      hasOthers: () => election.hasOthers(),
      onGap: () => this.#leader?.noteGap(),
      onBacklog: () => {
        this.#waitingSince ??= clock.monotonic();
        if (this.#ingest.backlog.unread >= readEntries) this.#leader?.wake();
      },
    });
  }

  start(): void {
    this.#ingest.start();
    this.#deps.election.start({
      since: () => this.#ingest.since,
      progress: () => this.#committed,
      onSnapshot: ({ progress }) => {
        if (progress !== null && !this.#publisher) this.#ingest.trim(progress);
      },
      onChange: () => {
        this.#noteWaiting();
        this.#wakeAll();
      },
    });
    this.#running = this.#run();
  }

  /** Stops receiving, publishes what is left (all of it if no other replica would), and gives the lease up. */
  async drain(): Promise<void> {
    const { election, clock } = this.#deps;
    this.#deps.log.debug('Stopping');
    this.#flushing = !election.hasOthers();
    await this.#ingest.close(this.#flushing);
    this.#deps.log.debug({ flushing: this.#flushing, unread: this.#ingest.backlog.unread }, 'No longer receiving');
    this.#stopping = true;
    this.#wakeAll();
    await within(clock, this.#config.shutdownTimeoutMs, this.#running);
    await election.close();
    this.#wakeAll();
  }

  /** @returns messages that will not be published. */
  close(): number {
    return this.#flushing ? this.#ingest.backlog.length : 0;
  }

  figures(): CollectorFigures {
    const { clock, election } = this.#deps;
    const leader = election.leads() && this.#publisher !== undefined;
    return {
      host: this.#name,
      leader,
      received: this.#ingest.received,
      published: this.#published,
      lagMs: this.#committed === null || !leader ? null : Math.max(0, Math.round(clock.now() - this.#committed / 1000)),
      backlog: this.#ingest.backlog.length,
      backlogBytes: this.#ingest.backlog.bytes,
      peersUp: this.#publisher?.peersUp ?? 0,
      connected: this.#ingest.feedSince !== null,
      late: this.#ingest.late,
      dropped: this.#ingest.dropped,
      feedAwayMs: this.#ingest.awayMs,
      redisAwayMs: election.awayMs(),
      stuckMs: !election.leads() || this.#waitingSince === null ? 0 : clock.monotonic() - this.#waitingSince,
    };
  }

  view(): CollectorView {
    const { election } = this.#deps;
    return { ...this.figures(), hasOthers: election.hasOthers(), bufferBytes: this.#config.bufferBytes };
  }

  /** The peers; undefined on a replica that does not lead: only the leader knows them. */
  peers(): PeerView[] | undefined {
    const peers = this.#publisher?.peers;
    return peers && Array.from(peers, ({ address, asn, status }) => ({ address, asn, state: status }));
  }

  async #run(): Promise<void> {
    const { election, clock, log } = this.#deps;
    let failures = 0;
    while (!(this.#stopping && (!election.leads() || this.#ingest.backlog.length === 0))) {
      if (!election.leads()) {
        failures = 0;
        await this.#woken(standbyMs);
        continue;
      }
      const from = clock.monotonic();
      try {
        await this.#lead();
        failures = 0;
      } catch (error) {
        if (error instanceof TermOver) continue;
        if (error instanceof TopicsRefused) {
          log.debug({ reason: error.message }, 'Topics refuse what this term sends: another term goes on without it');
          // The others wait for the next term: only terms that end one after the other have a pause between them.
          await sleep(clock, Math.max(0, retryMinMs - (clock.monotonic() - from)));
          continue;
        }
        this.#count('ris.terms.failed');
        const level = isProducerLost(error) ? 'warn' : 'error';
        log[level]({ err: error }, "A leader's term ended early");
        // Fenced although our lease continues: Kafka aborted our transaction, or another worker runs without Redis.
        if (this.#stopping && failures > 2) return;
        await sleep(clock, Math.min(retryMaxMs, retryMinMs * 2 ** failures++));
      } finally {
        this.#publisher = undefined;
        this.#ingest.backlog.rewind();
      }
    }
    await election.release();
  }

  /** One term: fence, read the progress, publish until the lease ends or the feed has a gap that others do not have. */
  async #lead(): Promise<void> {
    const { kafka, log, election } = this.#deps;
    this.#gate.lead(election.term());
    await ensureTopic(kafka.admin, this.#named('checkpointTopic'), this.#config.checkpointReplication, log);
    const term = await Term.open(this.#termOptions());
    try {
      await term.probeTopics();
      this.#gate.restore(term.progress.unmarked ?? []);
      const publisher = new Publisher(this.#publisherOptions(), this.#ingest.backlog, this.#plausible(term.progress));
      this.#publisher = publisher;
      this.#committed = publisher.mark;
      this.#count('ris.terms');
      log.info({ backlog: this.#ingest.backlog.length }, 'Leading');
      this.#leader = new Leader(this.#leaderOptions(), term, publisher);
      await this.#leader.run();
      log.info('No longer leading');
    } finally {
      this.#leader = undefined;
      await term.close();
    }
  }

  #wrote(batch: Batch, records: number): void {
    const { stats } = this.#deps;
    this.#committed = batch.step.mark;
    this.#noteWaiting();
    this.#published += batch.messages;
    this.#count('ris.commits');
    this.#count('ris.published', batch.messages);
    this.#count('ris.records', records);
    this.#count('ris.skipped', batch.skipped);
    this.#count('ris.holes', batch.holes);
    stats.add('producer.messages', records);
    const { encoded, malformed, odd } = this.#publisher?.takeCounts() ?? { encoded: [], malformed: [], odd: [] };
    for (const [what, by] of encoded) this.#count('ris.encoded', by, what);
    for (const [reason, by] of malformed) this.#count('ris.malformed', by, reason);
    for (const [reason, by] of odd) this.#count('ris.json.odd', by, reason);
    if (batch.holes > 0) this.#deps.log.error({ holes: batch.holes }, 'A hole was marked: messages are missing');
  }

  #noteWaiting(): void {
    this.#waitingSince = this.#ingest.backlog.length > 0 ? this.#deps.clock.monotonic() : null;
  }

  #count(name: RisCounter, by = 1, ...labels: string[]): void {
    if (by > 0) this.#deps.stats.labelled(name).add([this.#name, ...labels], by);
  }

  /** Waits for a wake-up, at most ms. */
  async #woken(ms: number): Promise<void> {
    await within(
      this.#deps.clock,
      ms,
      new Promise<void>((resolve) => {
        this.#wake = resolve;
      }),
    );
    this.#wake = () => {};
  }

  /** What a version that believed every time may have recorded, or a clock that was wrong. */
  #plausible(progress: Progress): Progress {
    const { latest } = this.#ingest;
    // Not by the clock alone: it may be this one that is wrong.
    const now = Math.max(latest, this.#deps.clock.now() * 1_000);
    const most = now + this.#config.maxAheadMs * 1_000;
    const isAhead =
      latest > 0 &&
      ((progress.mark ?? 0) > most || [...progress.published.places.values()].some(([s]) => s * 1e6 > most));
    if (!isAhead) return progress;
    this.#deps.log.warn({ mark: progress.mark }, 'The recorded progress is ahead of the clock: it is taken to end now');
    return upTo(progress, now);
  }

  #named(setting: 'transactionalId' | 'checkpointTopic'): string {
    return this.#config[setting].replaceAll('<collector>', this.#name);
  }

  #wakeAll(): void {
    this.#wake();
    this.#leader?.wake();
  }

  #leaderOptions(): LeaderOptions {
    const { commitMs, commitMessages } = this.#config;
    const { election, clock, log } = this.#deps;
    return {
      commitMs,
      commitMessages,
      election,
      backlog: this.#ingest.backlog,
      clock,
      log,
      since: () => this.#ingest.feedSince,
      floor: () => this.#ingest.floor(),
      stopping: () => (!this.#stopping ? 'no' : this.#flushing ? 'ending' : 'handing over'),
      onWrote: (batch, records) => this.#wrote(batch, records),
      onStepDown: () => this.#count('ris.stepdowns'),
    };
  }

  #termOptions() {
    const { kafka, clock, log, election, replica, random } = this.#deps;
    const { compression, transactionTimeoutMs } = this.#config;
    return {
      kafka,
      transactionalId: this.#named('transactionalId'),
      checkpointTopic: this.#named('checkpointTopic'),
      compression,
      name: `${election.term()} ${replica} ${Math.floor(random() * 1e9).toString(36)}`,
      transactionTimeoutMs,
      timeoutMs: transactionTimeoutMs,
      clock,
      log,
      leads: () => election.leads(),
      gate: this.#gate,
    };
  }

  #publisherOptions() {
    const { topic, key, framing, raw, headers, timestamp, reorderMs, late } = this.#config;
    return {
      collector: this.#name,
      encoder: { topic, key, framing, useRaw: raw, sysDescr: `rafka ${this.#deps.version}` },
      published: { windowUs: reorderMs * 1000, late },
      headers,
      risTime: timestamp === 'ris',
      onMalformed: (reason: MalformedReason) => this.#ingest.malformed(reason),
      onOdd: (reasons: readonly MalformedReason[], line: string) => this.#ingest.odd(reasons, line),
      takeMarks: () => this.#gate.takeMarks(),
      now: () => this.#deps.clock.now(),
    };
  }
}
