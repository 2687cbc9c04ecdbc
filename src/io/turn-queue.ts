// TurnQueue: what becomes due within a turn of the event loop, handled together when the turn ends. See docs/decisions/0008.

export interface TurnQueueOptions<T> {
  readonly handle: (item: T) => void;
  /** An item's handling threw: the others are handled all the same. */
  readonly failed: (item: T, error: unknown) => void;
  /** All items of the turn were handled. */
  readonly ended?: (items: readonly T[]) => void;
}

export class TurnQueue<T> {
  readonly #options: TurnQueueOptions<T>;
  #due: T[] = [];

  constructor(options: TurnQueueOptions<T>) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#due.length === 0;
  }

  add(item: T): void {
    if (this.#due.length === 0) setImmediate(this.#run);
    this.#due.push(item);
  }

  readonly #run = (): void => {
    const { handle, failed, ended } = this.#options;
    const due = this.#due;
    this.#due = [];
    for (const item of due) {
      try {
        handle(item);
      } catch (error) {
        failed(item, error);
      }
    }
    ended?.(due);
  };
}
