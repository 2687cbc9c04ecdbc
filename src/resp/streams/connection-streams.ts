// ConnectionStreams: what one connection has of streams: its subscriptions, and list elements it popped and did not acknowledge yet.
import { own } from '../../core/promises.js';
import type { Pending } from '../../core/streams/pending.js';
import type { StreamGroup } from '../../core/streams/stream-group.js';
import { fail } from '../../errors.js';
import type { Context } from '../context.js';
import { Subscriptions } from './subscriptions.js';

/** Said in the log of pops: the next one can't fail for it. */
export const notAcknowledged = 'what was popped is not acknowledged: it comes again';

interface PoppedEntries {
  readonly group: StreamGroup;
  readonly entries: readonly Pending[];
}

export class ConnectionStreams {
  readonly subscriptions: Subscriptions;
  readonly #ctx: Context;
  #popped: PoppedEntries | undefined;
  /** Acknowledges what a pair reply gave out. */
  #paired: (() => Promise<void>) | undefined;
  #closed = false;

  constructor(ctx: Context) {
    this.#ctx = ctx;
    this.subscriptions = new Subscriptions(ctx);
  }

  /** Elements were popped: they are acknowledged when the next ones are asked for. @throws GatewayError `client-gone`: they are given back */
  popped(group: StreamGroup, entries: readonly Pending[]): void {
    if (this.#closed) {
      group.release(entries, true);
      throw fail('client-gone');
    }
    this.#popped = { group, entries };
  }

  paired(acknowledge: () => Promise<void>): void {
    this.#paired = acknowledge;
  }

  /** The connection asks for more, or has ended in good order: what it popped before is done. */
  acknowledge(): void {
    if (this.#popped) this.#acknowledgePopped(this.#popped);
    this.#popped = undefined;
    const paired = this.#paired;
    this.#paired = undefined;
    own(paired?.(), (err) => {
      this.#ctx.log.error({ conn: this.#ctx.id, err }, `${notAcknowledged}: this is a bug`);
    });
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
    if (this.#popped) this.#popped.group.release(this.#popped.entries, false);
    this.#popped = undefined;
    this.#paired = undefined;
    this.#ctx.server.gateway.streams.groups.gone(this.#ctx);
  }
}
