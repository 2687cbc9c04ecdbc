// Promises with an owner: work that is started together and awaited together, and work that nobody waits for.

/**
 * Starts work for each item and waits until all of it has settled, so that no failure is left to nobody.
 * @returns the results in the order of the items. @throws the first error in that order, of a start or of the work
 */
export async function all<Item, Result>(
  items: Iterable<Item>,
  start: (item: Item) => Result | Promise<Result>,
): Promise<Result[]> {
  // A start that throws must not leave those before it alone.
  const started = Array.from(items, async (item) => start(item));
  const settled = await Promise.allSettled(started);
  return settled.map((each) => {
    if (each.status === 'rejected') throw each.reason;
    return each.value;
  });
}

/** Work that nobody waits for. @param failed is told when it fails: it logs */
export function own(work: PromiseLike<unknown> | undefined, failed: (error: unknown) => void): void {
  work?.then(undefined, failed);
}

/** Calls what runs by itself, on a timer or an event. @param failed is told what it throws, or rejects with: it logs */
export function guard(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = call();
    if (result instanceof Promise) own(result, failed);
  } catch (error) {
    failed(error);
  }
}
