// Positions: the next offset of each source partition, and how much of that is recorded.
import { type Message, OFFSET_BEGINNING } from '../../core/ports.js';
import { digestOf, type LastMessage, type Progress } from './checkpoint.js';

export interface Position {
  readonly partition: number;
  readonly next: number;
  /** The last message before it, if one was seen. */
  readonly last: LastMessage | undefined;
}

/** The next source offset of every partition, and those that moved since the last record of progress. */
export class Positions {
  readonly #next = new Map<number, number>();
  readonly #moved = new Set<number>();
  readonly #last = new Map<number, LastMessage>();
  /** As #last, for the current batch. */
  readonly #passed = new Map<number, Message>();

  /** Next offsets by partition; {@link OFFSET_BEGINNING} for one that has not started. */
  get offsets(): ReadonlyMap<number, number> {
    return this.#next;
  }

  get hasMoved(): boolean {
    return this.#moved.size > 0;
  }

  at(partition: number): number {
    return this.#next.get(partition) ?? OFFSET_BEGINNING;
  }

  /** The message and all before it are done. */
  pass(message: Message): void {
    this.#passed.set(message.partition, message);
    this.advance(message.partition, message.offset + 1);
  }

  /** A batch is done. A message keeps its whole batch in memory, so only what identifies it is kept. */
  settle(): void {
    for (const [partition, message] of this.#passed)
      this.#last.set(partition, { offset: message.offset, digest: digestOf(message) });
    this.#passed.clear();
  }

  /** Everything before `next` is done. Never decreases. */
  advance(partition: number, next: number): void {
    if (next <= this.at(partition)) return;
    this.#next.set(partition, next);
    this.#moved.add(partition);
  }

  /** What has moved since the last call, to be recorded. */
  takeMoved(): Position[] {
    this.settle();
    const moved = [...this.#moved].map((partition) => ({
      partition,
      next: this.at(partition),
      last: this.#last.get(partition),
    }));
    this.#moved.clear();
    return moved;
  }

  /** Goes on at `next`, before or behind where it was: to be recorded. */
  place(partition: number, next: number): void {
    this.#next.set(partition, next);
    this.#moved.add(partition);
    this.#last.delete(partition);
  }

  /** Returns to the recorded positions. */
  reset(recorded: Iterable<readonly [number, Pick<Progress, 'next' | 'last'>]>): void {
    this.#next.clear();
    this.#moved.clear();
    this.#last.clear();
    this.#passed.clear();
    for (const [partition, { next, last }] of recorded) {
      this.#next.set(partition, next);
      if (last) this.#last.set(partition, last);
    }
  }
}
