// ReplyLine: pending replies in the order of their commands.
import type { Reply } from '../wire/reply.js';

interface Place {
  reply: Reply | undefined;
}

/** The slots of one connection's pipelined commands: each is filled once, and leaves from the front only. */
export class ReplyLine {
  #places: Place[] = [];
  #head = 0;

  /** Replies that have not left yet. */
  get length(): number {
    return this.#places.length - this.#head;
  }

  /** Takes the next slot, with its reply or without (the returned function fills it). */
  add(reply: Reply): void;
  add(): (reply: Reply) => void;
  add(reply?: Reply): unknown {
    const place: Place = { reply };
    this.#places.push(place);
    return (made: Reply): void => {
      place.reply = made;
    };
  }

  /** Removes and returns the reply at the front; undefined while it is pending. */
  take(): Reply | undefined {
    const reply = this.#places[this.#head]?.reply;
    if (reply === undefined) return undefined;
    this.#head++;
    if (this.#head === this.#places.length) this.clear();
    else if (this.#head >= 1024) {
      this.#places = this.#places.slice(this.#head);
      this.#head = 0;
    }
    return reply;
  }

  clear(): void {
    this.#places = [];
    this.#head = 0;
  }
}
