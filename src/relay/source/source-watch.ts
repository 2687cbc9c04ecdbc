// SourceWatch: what the checks of all sources mean for the active one.

import type { SourceTopic } from '../topics/source-topic.js';
import type { Reader } from './reader.js';
import type { Side } from './source-vetting.js';

/** Checks without news before the reader is recreated, doubled each time in vain: an error may have been lost. */
const stalledTicks = 5;

export interface Judgement {
  /** The source is fine. */
  readonly fine: boolean;
  /** The source to read instead, if the active one lags. */
  readonly instead?: number;
}

const unfit: Judgement = { fine: false };

export class SourceWatch {
  readonly #side: Side;
  /** Partitions at the last committed message at the last check, with more messages behind it. */
  #suspected: string | undefined;
  /** Those for which that was so at the check before as well: a transaction is open there. `topic[0]@10 [1]@7`. */
  hidden: string | undefined;
  #stalled = { total: -1, ticks: 0, limit: stalledTicks };

  constructor(side: Side) {
    this.#side = side;
  }

  /** Another reader is active. */
  begin(): void {
    this.#stalled.ticks = 0;
    this.#suspected = undefined;
    this.hidden = undefined;
  }

  /** Fails the reader if its source must be left. @param view undefined: no answer */
  judge(reader: Reader, view: SourceTopic | undefined): Judgement {
    const { pool, positions, metrics } = this.#side;
    if (!view) {
      metrics.lagUnknown();
      // A slow answer is no reason to leave a source that delivers, or the only one.
      if (!reader.heard && pool.choose(positions.offsets) !== undefined) reader.fail('no answer to the health check');
      return unfit;
    }
    for (const [partition, high] of view.high) metrics.lag(partition, high - Math.max(0, positions.at(partition)));
    if (view.cluster !== reader.topic.cluster || view.topicId !== reader.topic.topicId) {
      reader.fail('the source topic was recreated');
      return unfit;
    }
    if (view.partitions.length !== reader.topic.partitions.length) {
      reader.fail(`partitions were added (${view.partitions.length})`);
      reader.partitionsAdded = true;
      return unfit;
    }
    const ahead = pool.overtaker(positions.offsets);
    if (ahead !== undefined) {
      metrics.source('source_lag_threshold_exceeded_total', reader.id);
      reader.fail(`lags behind source ${ahead}`);
      return { fine: true, instead: ahead };
    }
    this.#lookForHidden(reader, view);
    this.#judgeStall(reader, view);
    return { fine: true };
  }

  #lookForHidden(reader: Reader, view: SourceTopic): void {
    const { deps, name, positions } = this.#side;
    const suspected = reader.isAwaited ? reader.hiddenAt(view.high, positions.offsets) : undefined;
    const hidden =
      suspected !== undefined && suspected === this.#suspected ? deps.mapping.source + suspected : undefined;
    this.#suspected = suspected;
    if (hidden !== undefined && hidden !== this.hidden)
      deps.log.warn(
        { topic: name, server: reader.id, at: hidden },
        'the source has an open transaction: waiting for its end',
      );
    this.hidden = hidden;
  }

  #judgeStall(reader: Reader, view: SourceTopic): void {
    const { positions } = this.#side;
    let total = 0;
    for (const next of positions.offsets.values()) total += next;
    const waiting = reader.isAwaited && [...view.high].some(([partition, high]) => high > positions.at(partition));
    if (!waiting || total !== this.#stalled.total) this.#stalled = { total, ticks: 0, limit: stalledTicks };
    const stalled = this.#stalled;
    if (stalled.ticks++ < stalled.limit) return;
    // Or the messages are not committed: a transaction that hangs in the source is no reason to reconnect forever.
    stalled.limit *= 2;
    reader.fail('no news although there are messages');
  }
}
