// What one connection has of streams: its subscriptions, and list elements it popped and did not acknowledge yet.
import { own } from '../../core/promises.js';
import type { ConnectionCursors } from '../../core/streams/cursors.js';
import type { Pending } from '../../core/streams/group/pending.js';
import type { StreamGroup } from '../../core/streams/group/stream-group.js';
import { claimKey, type GroupPlace } from '../../core/streams/group-leases.js';
import { fail } from '../../errors.js';
import type { ConnectionStreams, Context } from '../command/context.js';
import { TopicSubscriptions } from './subscriptions.js';

/** Said in the log of pops: the next one can't fail for it. */
export const notAcknowledged = 'what was popped is not acknowledged: it comes again';

interface PoppedEntries {
  readonly group: StreamGroup;
  readonly entries: readonly Pending[];
}

export class StreamsOfConnection implements ConnectionStreams {
  readonly subscriptions: TopicSubscriptions;
  readonly cursors: ConnectionCursors;
  readonly #ctx: Context;
  /** What was popped last: of one list, but for what is given back in a moment. */
  #popped: PoppedEntries[] = [];
  /** Where else it was popped. */
  #poppedElsewhere: GroupPlace | undefined;
  /** Other processes, or parts of this one, have run commands for this connection: they hear of its end. */
  isKnownElsewhere = false;
  /** Acknowledges what a pair reply gave out. */
  #paired: (() => Promise<void>) | undefined;
  #closed = false;

  constructor(ctx: Context, cursors: ConnectionCursors) {
    this.#ctx = ctx;
    this.cursors = cursors;
    this.subscriptions = new TopicSubscriptions(ctx);
  }

  /** Elements were popped: they are acknowledged when the next ones are asked for. @throws GatewayError `client-gone`: they are the caller's to give back */
  popped(group: StreamGroup, entries: readonly Pending[]): void {
    if (this.#closed) throw fail('client-gone');
    this.#popped.push({ group, entries });
  }

  /** The same, in the process that reads the list. */
  poppedElsewhere(place: GroupPlace): void {
    this.#poppedElsewhere = place;
  }

  /** What was popped of a list does not reach the client: it goes to whoever asks next. */
  giveBack({ kafkaGroup, topic }: GroupPlace): void {
    this.#popped = this.#popped.filter(({ group, entries }) => {
      if (group.kafkaGroup !== kafkaGroup || group.topic !== topic) return true;
      group.release(entries, true);
      return false;
    });
  }

  paired(acknowledge: () => Promise<void>): void {
    this.#paired = acknowledge;
  }

  /** The connection asks for more, or has ended in good order: what it popped before is done. */
  acknowledge(): void {
    for (const popped of this.#popped) this.#acknowledgePopped(popped);
    this.#popped = [];
    this.#acknowledgeElsewhere();
    const paired = this.#paired;
    this.#paired = undefined;
    own(paired?.(), (err) => {
      this.#ctx.log.error({ conn: this.#ctx.id, err }, `${notAcknowledged}: this is a bug`);
    });
  }

  #acknowledgeElsewhere(): void {
    const place = this.#poppedElsewhere;
    if (!place) return;
    this.#poppedElsewhere = undefined;
    const { id, server, log } = this.#ctx;
    server.remotes.acknowledge(id);
    own(server.peers.askHolder(claimKey(place), 'acknowledgeRemote', id), (err) =>
      log.info({ conn: id, ...place, err }, notAcknowledged),
    );
  }

  /** Nobody is answered how it went: entries whose partition was taken away meanwhile come again elsewhere. */
  #acknowledgePopped({ group, entries }: PoppedEntries): void {
    const refused = entries.filter(({ partition, offset }) => !group.ack(partition, offset));
    if (refused.length === 0) return;
    const { topic, kafkaGroup } = group;
    const where = { conn: this.#ctx.id, topic, group: kafkaGroup, entries: refused.length };
    this.#ctx.log.info(where, notAcknowledged);
  }

  /** The connection has gone: what it popped goes to whoever asks next. */
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
    own(server.peers.askAll('remoteGone', id, id + 1), () => {});
  }
}
