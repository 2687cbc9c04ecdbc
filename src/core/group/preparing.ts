// What a consumer does before it joins its group, with an ear for what is wrong with the group: it tells that in polls alone.
import { within } from '../clock.js';
import { type Clock, type Consumer, KafkaCode, KafkaError, type KafkaFault } from '../ports.js';
import { own } from '../promises.js';

/** As long it is not listened to, ms: nearly always it is done by then. */
const quietMs = 500;
const pollMs = 100;

const deserted: KafkaFault = {
  code: KafkaCode.timedOut,
  message: 'nobody waits for the consumer any more',
  fatal: false,
  retriable: true,
  abortable: false,
};

export interface PreparingOptions<T> {
  readonly clock: Clock;
  /** Has not joined a group: polls bring no messages. */
  readonly consumer: Pick<Consumer, 'poll' | 'close'>;
  readonly work: Promise<T>;
  /** What was heard that lasts until somebody mends it. */
  readonly refusal: () => KafkaFault | undefined;
  readonly closeMs: number;
  /** Aborted when nobody waits any more. */
  readonly signal?: AbortSignal;
}

/**
 * The work's result. Without the right to its group a consumer finds no coordinator, and what it is asked takes as long as it may: the
 * refusal is heard sooner. Whatever fails, the consumer is closed.
 * @throws KafkaError of the refusal, or that nobody waits any more; else what the work throws
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
    // It is still being asked something.
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
