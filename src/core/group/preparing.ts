// What a consumer does before it joins its group, while it listens for errors of the group, which librdkafka reports in polls only.
import { within } from '../clock.js';
import { type Clock, type Consumer, KafkaCode, KafkaError, type KafkaFault } from '../ports.js';
import { own } from '../promises.js';

/** How long it does not listen, ms: nearly always the work is done by then. */
const quietMs = 500;
const pollMs = 100;

const deserted: KafkaFault = {
  code: KafkaCode.timedOut,
  message: 'no caller waits for the consumer any more',
  fatal: false,
  retriable: true,
  abortable: false,
};

export interface PreparingOptions<T> {
  readonly clock: Clock;
  /** Has not joined a group: polls return no messages. */
  readonly consumer: Pick<Consumer, 'poll' | 'close'>;
  readonly work: Promise<T>;
  /** A reported fault that lasts until an operator fixes it. */
  readonly refusal: () => KafkaFault | undefined;
  readonly closeMs: number;
  /** Aborted when no caller waits any more. */
  readonly signal?: AbortSignal;
}

/**
 * The work's result. A consumer without permission for its group finds no coordinator, and its requests take their full time limit: the
 * refusal is reported sooner. The consumer is closed on any failure.
 * @throws KafkaError of the refusal, or that no caller waits any more; else what the work throws
 */
export async function preparing<T>(options: PreparingOptions<T>): Promise<T> {
  const { clock, consumer, work, refusal, closeMs, signal } = options;
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  const ended = work.then(over, over);
  await within(clock, quietMs, ended);
  while (!isOver && !refusal() && !signal?.aborted) await consumer.poll(1, pollMs).catch(over);
  const fault = refusal() ?? (signal?.aborted ? deserted : undefined);
  if (!isOver && fault) {
    // A request is still under way.
    own(
      ended.then(() => consumer.close(closeMs)),
      () => {},
    );
    throw new KafkaError(fault);
  }
  try {
    return await work;
  } catch (error) {
    await consumer.close(closeMs);
    throw error;
  }
}
