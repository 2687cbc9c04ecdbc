// Keys of earlier versions: renamed, without effect, or going. Each is read for one more version, with a warning.

type Tree = Record<string, unknown>;

/** Old name -> present name. */
export const renamedKeys: Readonly<Record<string, string>> = {
  'resp.gatherMs': 'resp.lingerMs',
};

/** Keys without effect, and why. */
export const withdrawnKeys: Readonly<Record<string, string>> = {
  'resp.sharedProducers': 'each connection has a producer of its own, or takes an idle one',
};

/**
 * Keys that become constants in the next version: no operator can choose a better value than the default without reading the code.
 * They still have effect.
 */
export const goingKeys: ReadonlySet<string> = new Set([
  // Bounds on one client that never reach an honest one.
  'resp.clientQueryBufferBytes',
  'resp.maxArgs',
  'resp.drainTimeoutMs',
  'resp.keepAliveMs',
  'http.maxHeaderBytes',
  'http.headersTimeoutMs',
  'http.requestTimeoutMs',
  'http.keepAliveMs',
  'pool.queueLength',
  'resp.streams.maxPending',
  'resp.streams.pendingBytes',
  'resp.streams.maxRange',
  // Shares of a shutdown, which has one time limit: shutdown.timeoutMs.
  'resp.producerFlushMs',
  'resp.drainMs',
  'resp.consumerCloseMs',
  'pool.shutdownTimeoutMs',
  'ris.shutdownTimeoutMs',
  // Intervals and pauses whose effect is bounded by a promise that stays the same.
  'resp.streams.commitIntervalMs',
  'resp.streams.lingerMs',
  'resp.streams.sessionTimeoutMs',
  'resp.streams.readTimeoutMs',
  'pool.commitIntervalMs',
  'pool.retryBackoffMs',
  'pool.rebalanceAckTimeoutMs',
  'pool.produceTimeoutMs',
  'resp.producerIdleTimeoutMs',
  'pool.lingerMs',
  'pool.gatherMs',
  'ris.connectTimeoutMs',
  'ris.staleMs',
  'ris.backoffMinMs',
  'ris.backoffMaxMs',
  'ris.commitMs',
  'ris.commitMessages',
  'ris.progressMs',
  // No operator has to choose these.
  'resp.transactionProducers',
  'pool.clientId',
  'ris.clientId',
  'ris.checkpointReplication',
]);

/** Moves the values of renamed keys, removes keys without effect. @returns a warning for each old key that is set */
export function takeOldKeys(tree: Tree): string[] {
  const warnings: string[] = [];
  for (const [old, present] of Object.entries(renamedKeys)) {
    const value = take(tree, old);
    if (value === undefined) continue;
    warnings.push(`${old} is called ${present} now: the old name will be refused in the next version`);
    if (valueAt(tree, present) === undefined) put(tree, present, value);
  }
  for (const [old, why] of Object.entries(withdrawnKeys))
    if (take(tree, old) !== undefined) warnings.push(`${old} has no effect any more: ${why}`);
  for (const key of goingKeys)
    if (valueAt(tree, key) !== undefined)
      warnings.push(`${key} will be refused in the next version, where its default is fixed`);
  return warnings;
}

function valueAt(tree: Tree, path: string): unknown {
  return path.split('.').reduce<unknown>((at, part) => (isTree(at) ? at[part] : undefined), tree);
}

function take(tree: Tree, path: string): unknown {
  const parent = parentOf(tree, path);
  const name = path.slice(path.lastIndexOf('.') + 1);
  const value = parent?.[name];
  if (parent) delete parent[name];
  return value;
}

function put(tree: Tree, path: string, value: unknown): void {
  const parent = parentOf(tree, path);
  if (parent) parent[path.slice(path.lastIndexOf('.') + 1)] = value;
}

function parentOf(tree: Tree, path: string): Tree | undefined {
  const parent = valueAt(tree, path.slice(0, path.lastIndexOf('.')));
  return isTree(parent) ? parent : undefined;
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
