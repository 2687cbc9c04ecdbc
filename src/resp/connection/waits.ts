// Waits: ends the waiting commands of one connection.

/** The signal is created on first use: most connections never wait. */
export class Waits {
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Ends present and future waits with the first reason given. */
  end(reason: Error): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }

  /** Ends present waits; later commands wait on a new signal. */
  endOnce(reason: Error): void {
    const waiting = this.#controller;
    this.#controller = undefined;
    waiting?.abort(reason);
  }
}
