// The memory budgets of a configuration, where the process may use little memory and the operator sets none.
import { type Budget, budgetOf } from '../core/memory/memory-shares.js';

type Tree = Readonly<Record<string, unknown>>;

/** The memory of a process. */
export interface MemoryBudgets {
  readonly limitBytes: number;
  /** Defaults that are below their usual value, bytes by key; `resp` is divided over the processes. */
  readonly lowered: Readonly<Record<string, number>>;
}

const respKeys: Readonly<Record<string, Budget>> = {
  queryBufferBytes: 'queryBuffer',
  produceBufferBytes: 'produceBuffer',
  outputBufferBytes: 'outputBuffer',
  maxPrefetchBytes: 'prefetch',
};

/** What `all` stands for, nearly. */
const allCollectors = 24;

/**
 * The defaults to set in this configuration.
 * @param tree the configuration as given: its own values are kept  @param limitBytes what the process and its workers may use
 */
export function memoryDefaults(tree: Tree, limitBytes: number): MemoryBudgets {
  const lowered: Record<string, number> = {};
  const lower = (path: string, name: Budget, among: number): void => {
    const [section, key] = path.split('.') as [string, string];
    const bytes = budgetOf(name, limitBytes, among);
    if (treeOf(tree[section])[key] === undefined && bytes < budgetOf(name, undefined)) lowered[path] = bytes;
  };
  const { workers } = treeOf(tree.resp);
  const processes = Number.isSafeInteger(workers) && Number(workers) > 1 ? Number(workers) + 1 : 1;
  // The gateway itself divides what producers may hold.
  for (const [key, name] of Object.entries(respKeys))
    lower(`resp.${key}`, name, name === 'produceBuffer' ? 1 : processes);
  if (tree.ris !== undefined) lower('ris.bufferBytes', 'risBuffer', collectors(treeOf(tree.ris).host));
  return { limitBytes, lowered };
}

/** What librdkafka may read ahead for a consumer, if it is less than usual; below the operator's own value. */
export function readAheadProperties(limitBytes: number | undefined): Readonly<Record<string, number>> {
  const bytes = budgetOf('prefetch', limitBytes);
  if (bytes >= budgetOf('prefetch', undefined)) return {};
  return { 'queued.max.messages.kbytes': Math.floor(bytes / 1_024), 'fetch.max.bytes': bytes };
}

function collectors(host: unknown): number {
  const names = (Array.isArray(host) ? host : String(host ?? '').split(',')).map((name) => String(name).trim());
  return names.includes('all') ? allCollectors : Math.max(1, names.length);
}

const treeOf = (value: unknown): Tree => (typeof value === 'object' && value !== null ? (value as Tree) : {});
