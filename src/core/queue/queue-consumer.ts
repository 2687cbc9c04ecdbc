// One group and topic, shared by clients without a session: a queue of requests, served one at a time, first come, first served.
import { fail, type GatewayError } from '../../errors.js';
import { GroupMembership } from '../group/group-membership.js';
import type { PartitionStart } from '../group/partition-start.js';
import { consumeError } from '../lasting-fault.js';
import type { CommittedOffset, Message } from '../ports.js';
import type { TopicCatalog } from '../topics/topic-catalog.js';
import type { Delivery, Poll } from './delivery.js';
import { QueuePartition } from './queue-partition.js';
import type { QueueContext } from './queue-settings.js';

interface Waiting {
  readonly autoAck: boolean;
  readonly arrivedAt: number;
  /** Ends its long poll; moved when the group has joined meanwhile. */
  deadline: number;
  readonly resolve: (delivery: Delivery) => void;
  readonly reject: (error: Error) => void;
}

/**
 * How long a request waits at most for the group to join, ms, and how often that is checked. This wait does not count against the long
 * poll: Kafka's coordinator takes 3 s for a group's first member, as long as the whole long poll, and until then nothing can be read.
 */
const joiningMs = 10_000;
const joiningCheckMs = 50;

export interface QueueConsumerOptions {
  readonly group: string;
  readonly topic: string;
  readonly context: QueueContext;
  readonly catalog: TopicCatalog;
  /** The previous consumer of the same group and topic: it leaves the group before this one joins. */
  readonly after: Promise<unknown>;
  /** Idle for the subscription time-out, or closing: the next request goes to a successor. */
  readonly onRetired: (consumer: QueueConsumer) => void;
}

/** A group and topic of REST and gRPC as the console shows it. Times in ms; null: there is none. */
export interface QueueView {
  readonly cluster: string;
  readonly group: string;
  readonly topic: string;
  /** Messages that are offered and not acknowledged, their maximum, and how often they were offered again. */
  readonly offered: number;
  readonly most: number;
  readonly oldestMs: number | null;
  readonly retries: number;
  /** Requests that wait for a message. */
  readonly waiting: number;
  readonly oldestWaitMs: number | null;
}

export class QueueConsumer {
  readonly group: string;
  readonly topic: string;
  readonly #context: QueueContext;
  readonly #options: QueueConsumerOptions;
  readonly #membership: GroupMembership<QueuePartition>;
  readonly #waiting: Waiting[] = [];
  /** The partition number that was served last. */
  #served = -1;
  #timer: (() => void) | undefined;
  #wakeAt = 0;
  /** When a request came, or was answered, last. */
  #lastUsed: number;
  /** No requests any more, but offers are outstanding. */
  #expired = false;
  #idleTimer: (() => void) | undefined;
  #closing: Promise<CommittedOffset[]> | undefined;

  constructor(options: QueueConsumerOptions) {
    this.group = options.group;
    this.topic = options.topic;
    this.#options = options;
    this.#context = options.context;
    this.#lastUsed = this.#now();
    this.#watchIdle(this.#context.settings.subscriptionTimeoutMs);
    this.#membership = new GroupMembership({
      ...options,
      onAssigned: (partition, start) => this.#onAssigned(partition, start),
      changed: () => this.#serve(),
      joined: () => this.#joined(),
      refused: (fault) => this.#refuseAll(consumeError(fault)),
    });
  }

  /** What the console shows. */
  view(): QueueView {
    const { settings } = this.#context;
    const partitions = this.#membership.partitions;
    const offers = partitions.flatMap((partition) => partition.offers);
    const now = this.#now();
    const age = (first: number): number | null =>
      Number.isFinite(first) ? Math.max(0, Math.round(now - first)) : null;
    return {
      cluster: this.#context.name,
      group: this.group,
      topic: this.topic,
      offered: offers.length,
      most: partitions.length * settings.maxPendingMessages,
      oldestMs: age(Math.min(...offers.map(({ deadline }) => deadline - settings.ackTimeoutMs))),
      retries: offers.reduce((sum, { retries }) => sum + retries, 0),
      waiting: this.#waiting.length,
      oldestWaitMs: age(Math.min(...this.#waiting.map(({ arrivedAt }) => arrivedAt))),
    };
  }

  /** Acks are accepted, and offers may be outstanding. */
  get pending(): number {
    return this.#membership.pending;
  }

  /** @throws GatewayError `too-many-requests`, `consume-denied`, `consume-refused` */
  poll(autoAck: boolean): Poll {
    const { settings } = this.#context;
    if (this.#waiting.length > settings.queueLength) throw fail('too-many-requests');
    const now = this.#now();
    this.#lastUsed = now;
    this.#expired = false;
    const ready = this.#waiting.length === 0 ? this.#take(now, autoAck) : undefined;
    if (ready) return { delivery: Promise.resolve(ready), cancel: () => ready.failed() };
    const fault = this.#membership.lastingFault();
    if (fault) throw consumeError(fault);
    return this.#queue(autoAck, now);
  }

  /**
   * @throws GatewayError `acks-channel-missing` if the partition is not assigned here, or during a rebalance: then the ack is kept in case
   * the partition comes back; if another member gets it, the message is redelivered there.
   */
  ack(partition: number, offset: number): void {
    if (!this.#ack(partition, offset)) throw fail('acks-channel-missing', this.group, this.topic, partition);
  }

  /** @returns false if it is not certain that the ack counts. */
  #ack(partition: number, offset: number): boolean {
    const found = this.#membership.find(partition);
    if (!found) return false;
    const isHeld = this.#membership.holds(partition);
    if (!found.ack(offset)) {
      const where = { group: this.group, topic: this.topic, partition, offset };
      this.#context.log.warn(where, 'Bad ack: not offered, or acked before');
      return true;
    }
    this.#context.stats.add('consumer.acks');
    this.#context.stats.count('group.acked', this.#context.name, this.group, this.topic);
    this.#membership.acked();
    this.#serve();
    if (this.#expired && this.pending === 0) this.#retire();
    return isHeld;
  }

  /** Acknowledged ranges above a partition's committed offset, if the partition is assigned here. */
  sparse(partition: number): { readonly base: number; readonly text: string } | undefined {
    const found = this.#membership.find(partition);
    return found && { base: found.base, text: found.sparse.text };
  }

  /** Commits moved positions now. */
  async commit(): Promise<void> {
    await this.#membership.commit();
  }

  /** The partitions that are read here. */
  get partitions(): readonly QueuePartition[] {
    return this.#membership.partitions;
  }

  /** Numbers of the partitions that are assigned here, or were before the rebalance that is going on; ascending. */
  get assigned(): readonly number[] {
    return this.#membership.assigned;
  }

  /** @throws KafkaError */
  async setOffsets(positions: readonly CommittedOffset[]): Promise<void> {
    await this.#membership.setOffsets(positions);
  }

  /** Waiting requests are answered that the service stops. Acks continue. */
  refuse(): void {
    this.#refuseAll(fail('pixy-stopping'));
  }

  #refuseAll(error: GatewayError): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }

  /** Waits (bounded) for outstanding acks, commits, leaves. Never rejects. @returns out-of-order acks that no commit covers. */
  close(): Promise<CommittedOffset[]> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<CommittedOffset[]> {
    this.#idleTimer?.();
    this.#timer?.();
    this.#timer = undefined;
    return this.#membership.close();
  }

  #onAssigned(partition: number, start: PartitionStart): QueuePartition {
    const { settings, stats, log } = this.#context;
    return new QueuePartition(partition, start, settings, ({ offset }, retries) => {
      stats.add('consumer.given.up');
      const where = { group: this.group, topic: this.topic, partition, offset };
      log.error({ ...where, retries }, 'Too many retries, the message is acked');
      this.#membership.acked();
    });
  }

  #queue(autoAck: boolean, arrivedAt: number): Poll {
    let waiting: Waiting | undefined;
    let delivered: Delivery | undefined;
    const delivery = new Promise<Delivery>((resolve, reject) => {
      waiting = {
        autoAck,
        arrivedAt,
        deadline: arrivedAt + this.#context.settings.longPollingTimeoutMs,
        reject,
        resolve: (made) => {
          delivered = made;
          resolve(made);
        },
      };
      this.#waiting.push(waiting);
    });
    this.#arm();
    const cancel = (): void => {
      const index = this.#waiting.indexOf(waiting!);
      if (index >= 0) this.#waiting.splice(index, 1)[0]!.reject(fail('poll-expired'));
      else delivered?.failed();
    };
    return { delivery, cancel };
  }

  /** The long poll of a request that came before begins now. */
  #joined(): void {
    const now = this.#now();
    for (const waiting of this.#waiting) {
      const waited = Math.min(now - waiting.arrivedAt, joiningMs);
      waiting.deadline = waiting.arrivedAt + waited + this.#context.settings.longPollingTimeoutMs;
    }
    this.#serve();
  }

  #isOver({ arrivedAt, deadline }: Waiting, now: number): boolean {
    return deadline <= now && !(this.#membership.isJoining && now - arrivedAt < joiningMs);
  }

  /** Serves the queue while there are messages. */
  #serve(): void {
    if (this.#waiting.length === 0) return;
    const now = this.#now();
    while (this.#waiting.length > 0) {
      const head = this.#waiting[0]!;
      if (this.#isOver(head, now)) {
        this.#waiting.shift();
        this.#lastUsed = now;
        head.reject(fail('poll-expired'));
        continue;
      }
      const delivery = this.#take(now, head.autoAck);
      if (!delivery) break;
      this.#waiting.shift();
      this.#lastUsed = now;
      head.resolve(delivery);
    }
    this.#arm();
  }

  /** Round robin over the partitions, ascending; empty ones are skipped. */
  #take(now: number, autoAck: boolean): Delivery | undefined {
    const partitions = this.#membership.partitions;
    const first = partitions.findIndex(({ partition }) => partition > this.#served);
    for (let step = 0; step < partitions.length; step++) {
      const partition = partitions[(Math.max(0, first) + step) % partitions.length]!;
      const message = partition.take(now);
      if (!message) continue;
      this.#served = partition.partition;
      this.#membership.taken();
      this.#context.stats.add('consumer.messages');
      this.#context.stats.count('group.consumed', this.#context.name, this.group, this.topic);
      return this.#deliver(partition, message, autoAck);
    }
    return undefined;
  }

  #deliver(partition: QueuePartition, message: Message, autoAck: boolean): Delivery {
    let open = true;
    return {
      message,
      done: () => {
        if (open && autoAck && this.#membership.find(partition.partition) === partition)
          this.#ack(partition.partition, message.offset);
        open = false;
      },
      failed: () => {
        if (!open) return;
        open = false;
        partition.release(message.offset, this.#now());
        this.#serve();
      },
    };
  }

  /** One timer: for the oldest request or the next message to offer again, whichever is earlier. */
  #arm(): void {
    if (this.#waiting.length === 0) return;
    const now = this.#now();
    let wake = this.#waiting[0]!.deadline;
    if (wake <= now) wake = now + joiningCheckMs;
    for (const partition of this.partitions) wake = Math.min(wake, partition.nextDeadline() ?? wake);
    if (this.#timer && this.#wakeAt <= wake) return;
    this.#timer?.();
    this.#wakeAt = wake;
    this.#timer = this.#context.clock.after(Math.max(1, Math.ceil(wake - now)), () => {
      this.#timer = undefined;
      this.#serve();
    });
  }

  #watchIdle(afterMs: number): void {
    const { clock, settings, log } = this.#context;
    this.#idleTimer = clock.after(afterMs, () => {
      const idle = this.#waiting.length > 0 ? 0 : this.#now() - this.#lastUsed;
      if (idle < settings.subscriptionTimeoutMs) return this.#watchIdle(settings.subscriptionTimeoutMs - idle);
      if (this.pending === 0) return this.#retire();
      this.#expired = true;
      if (idle < settings.ackTimeoutMs) return this.#watchIdle(settings.ackTimeoutMs - idle);
      log.warn({ group: this.group, topic: this.topic, pending: this.pending }, 'Not safe to stop: acks are missing');
      this.#retire();
    });
  }

  #retire(): void {
    if (this.#closing) return;
    this.#context.log.info({ group: this.group, topic: this.topic }, 'No more requests: leaving the group');
    this.#options.onRetired(this);
  }

  #now(): number {
    return this.#context.clock.monotonic();
  }
}
