// A connection's state of streams: its subscriptions, and popped list elements that are not acknowledged yet.
import type { Message } from '../../core/ports.js';
import { own } from '../../core/promises.js';
import type { ConnectionCursors } from '../../core/streams/cursors.js';
import type { Pending } from '../../core/streams/group/pending.js';
import type { StreamGroup } from '../../core/streams/group/stream-group.js';
import { claimKey, type GroupPlace } from '../../core/streams/group-leases.js';
import { fail } from '../../errors.js';
import type { ConnectionStreams, Context, SetAside } from '../command/context.js';
import { TopicSubscriptions } from './pubsub/subscriptions.js';

/** Logged for pops: the next pop must not fail for it. */
export const notAcknowledged = 'what was popped is not acknowledged: it comes again';

interface PoppedEntries {
  readonly group: StreamGroup;
  readonly entries: readonly Pending[];
}

export class StreamsOfConnection implements ConnectionStreams {
  readonly subscriptions: TopicSubscriptions;
  readonly cursors: ConnectionCursors;
  readonly #ctx: Context;
  /** What was popped last: of one list, except for elements that are given back in a moment. */
  #popped: PoppedEntries[] = [];
  /** Other processes where it popped. */
  #poppedElsewhere: GroupPlace | undefined;
  /** Other processes, or other parts of this one, that run commands for this connection: they are notified of its end. */
  isKnownElsewhere = false;
  /** The last pair reply, and what acknowledges it. */
  #paired: { readonly message: Message; readonly acknowledge: () => Promise<void> } | undefined;
  #closed = false;

  constructor(ctx: Context, cursors: ConnectionCursors) {
    this.#ctx = ctx;
    this.cursors = cursors;
    this.subscriptions = new TopicSubscriptions(ctx);
  }

  /** Elements were popped: they are acknowledged when the next ones are requested. @throws GatewayError `client-gone`: the caller gives them back */
  popped(group: StreamGroup, entries: readonly Pending[]): void {
    if (this.#closed) throw fail('client-gone');
    this.#popped.push({ group, entries });
  }

  /** The same, in the process that reads the list. */
  poppedElsewhere(place: GroupPlace): void {
    this.#poppedElsewhere = place;
  }

  /** Popped elements of a list do not reach the client: they are requeued. */
  giveBack({ kafkaGroup, topic }: GroupPlace): void {
    this.#popped = this.#popped.filter(({ group, entries }) => {
      if (group.kafkaGroup !== kafkaGroup || group.topic !== topic) return true;
      group.release(entries, true);
      return false;
    });
  }

  paired(message: Message, acknowledge: () => Promise<void>): void {
    this.#paired = { message, acknowledge };
  }

  setAside(): SetAside {
    const [popped, elsewhere, paired] = [this.#popped, this.#poppedElsewhere, this.#paired];
    this.#popped = [];
    this.#poppedElsewhere = this.#paired = undefined;
    return {
      popped,
      elsewhere,
      paired: paired?.message,
      end: (how) => {
        if (how === 'committed' && elsewhere) this.#acknowledgeAt(elsewhere);
        if (how !== 'aborted') return;
        this.#giveBackAll();
        if (this.#closed) for (const { group, entries } of popped) group.release(entries, false);
        else [this.#popped, this.#poppedElsewhere, this.#paired] = [popped, elsewhere, paired];
      },
    };
  }

  /** What was popped last has not reached the client. */
  #giveBackAll(): void {
    for (const { group, entries } of this.#popped) group.release(entries, true);
    const place = this.#poppedElsewhere;
    if (!place) return;
    const { id, server } = this.#ctx;
    server.remotes.giveBack(id, place);
    own(server.siblings.askHolder(claimKey(place), 'giveBackRemote', id, place), () => {});
  }

  /** The connection requests more, or has ended in order: what it popped before is done. */
  acknowledge(): void {
    for (const popped of this.#popped) this.#acknowledgePopped(popped);
    this.#popped = [];
    this.#acknowledgeElsewhere();
    const paired = this.#paired;
    this.#paired = undefined;
    own(paired?.acknowledge(), (err) => {
      this.#ctx.log.error({ conn: this.#ctx.id, err }, `${notAcknowledged}: this is a bug`);
    });
  }

  #acknowledgeElsewhere(): void {
    const place = this.#poppedElsewhere;
    if (!place) return;
    this.#poppedElsewhere = undefined;
    this.#acknowledgeAt(place);
  }

  #acknowledgeAt(place: GroupPlace): void {
    const { id, server, log } = this.#ctx;
    server.remotes.acknowledge(id);
    own(server.siblings.askHolder(claimKey(place), 'acknowledgeRemote', id), (err) =>
      log.info({ conn: id, ...place, err }, notAcknowledged),
    );
  }

  /** No client learns the outcome: entries whose partition was revoked meanwhile are redelivered elsewhere. */
  #acknowledgePopped({ group, entries }: PoppedEntries): void {
    const refused = entries.filter(({ partition, offset }) => !group.ack(partition, offset));
    if (refused.length === 0) return;
    const { topic, kafkaGroup } = group;
    const where = { conn: this.#ctx.id, topic, group: kafkaGroup, entries: refused.length };
    this.#ctx.log.info(where, notAcknowledged);
  }

  /** The connection is gone: what it popped is requeued. */
  close(): void {
    this.#closed = true;
    this.subscriptions.close();
    for (const { group, entries } of this.#popped) group.release(entries, false);
    this.#popped = [];
    this.#paired = undefined;
    const { id, server } = this.#ctx;
    server.gateway.streams.groups.gone(this.#ctx);
    if (!this.isKnownElsewhere) return;
    this.isKnownElsewhere = false;
    this.#poppedElsewhere = undefined;
    server.remotes.gone(id, id + 1);
    own(server.siblings.askAll('remoteGone', id, id + 1), () => {});
  }
}
