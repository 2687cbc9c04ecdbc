// ReadAhead: messages fetched but not handed out, in order of arrival; its owner bounds it.
import type { Message } from '../ports.js';
import { partitionKeys } from '../topics/partition-key.js';

/** Approximate overhead of a message, bytes. */
const overheadBytes = 200;

/** A queue of messages with O(1) take and the bytes it holds. */
export class ReadAhead {
  #messages: Message[] = [];
  #head = 0;
  #bytes = 0;

  get length(): number {
    return this.#messages.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a fetched batch. If a partition starts again at an offset that is already held (it was revoked and assigned
   * again), its held messages are dropped: they are read again.
   */
  push(batch: readonly Message[]): void {
    if (this.length > 0) this.#dropRewound(batch);
    for (const message of batch) {
      this.#messages.push(message);
      this.#bytes += sizeOf(message);
    }
  }

  take(): Message | undefined {
    const message = this.#messages[this.#head];
    if (!message) return undefined;
    this.#head += 1;
    this.#bytes -= sizeOf(message);
    if (this.#head === this.#messages.length) {
      this.#messages = [];
      this.#head = 0;
    }
    return message;
  }

  /** Puts a message that was taken in front, unless its partition is read again from there. */
  putBack(message: Message): void {
    const { topic, partition, offset } = message;
    for (let index = this.#head; index < this.#messages.length; index += 1) {
      const held = this.#messages[index]!;
      if (held.topic === topic && held.partition === partition && held.offset <= offset) return;
    }
    if (this.#head > 0) this.#messages[--this.#head] = message;
    else this.#messages.unshift(message);
    this.#bytes += sizeOf(message);
  }

  /** Drops messages that `keep` refuses. @returns how many. */
  retain(keep: (message: Message) => boolean): number {
    const before = this.length;
    if (before === 0) return 0;
    this.#messages = this.#messages.slice(this.#head).filter(keep);
    this.#head = 0;
    this.#bytes = this.#messages.reduce((sum, message) => sum + sizeOf(message), 0);
    return before - this.#messages.length;
  }

  #dropRewound(batch: readonly Message[]): void {
    const first = new Map<string, number>();
    const keyOf = partitionKeys();
    for (const message of batch) {
      const key = keyOf(message);
      if (!first.has(key)) first.set(key, message.offset);
    }
    const rewound = (held: Message): boolean => {
      const from = first.get(keyOf(held));
      return from !== undefined && held.offset >= from;
    };
    for (let index = this.#head; index < this.#messages.length; index += 1) {
      const held = this.#messages[index];
      if (held && rewound(held)) {
        this.retain((message) => !rewound(message));
        return;
      }
    }
  }
}

/** Bytes a message counts for. */
function sizeOf(message: Message): number {
  return (message.value?.length ?? 0) + (message.key?.length ?? 0) + overheadBytes;
}
