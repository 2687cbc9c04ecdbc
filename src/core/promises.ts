// Promises with an owner: work that is started together and awaited together, and work that no caller awaits.

/**
 * Starts work for each item and waits until all of it has settled, so that no failure goes unhandled.
 * @returns the results in the order of the items. @throws the first error in that order, of a start or of the work
 */
export async function all<Item, Result>(
  items: Iterable<Item>,
  start: (item: Item) => Result | Promise<Result>,
): Promise<Result[]> {
  // A start that throws must not abandon the work started before it.
  const started = Array.from(items, async (item) => start(item));
  const settled = await Promise.allSettled(started);
  return settled.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
}

/** Work that no caller awaits. @param failed is called with its error: it logs */
export function own(work: PromiseLike<unknown> | undefined, failed: (error: unknown) => void): void {
  work?.then(undefined, failed);
}

/** Runs a timer's or an event's callback. @param failed is called with what it throws or rejects with: it logs */
export function guard(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = call();
    if (result instanceof Promise) own(result, failed);
  } catch (error) {
    failed(error);
  }
}
