// Filters: JavaScript modules that decide which messages pass.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Message } from '../../core/ports.js';
import { fail } from '../../errors.js';
import type { FilterConfig } from '../config/filter-config.js';

/** The result of a module's `create(config)`. */
interface Filter {
  readonly id: string;
  /** False drops the message. Synchronous; must not change the message. */
  isAllowed(message: Message): boolean;
}

/** A filter and its configuration. */
export interface LoadedFilter {
  readonly id: string;
  readonly filter: Filter;
  readonly topics: readonly string[];
  readonly skipOnError: boolean;
}

/** Loads every module in order. @throws GatewayError `relay-config` naming the filter. */
export async function loadFilters(configs: readonly FilterConfig[]): Promise<LoadedFilter[]> {
  const loaded: LoadedFilter[] = [];
  for (const config of configs) loaded.push(await loadFilter(config));
  const ids = loaded.map((filter) => filter.id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice) throw fail('relay-config', `filter ${twice}: this id is there twice`);
  return loaded;
}

async function loadFilter(config: FilterConfig): Promise<LoadedFilter> {
  const name = config.id ?? config.path;
  if (!config.path) throw fail('relay-config', `filters.${name}.path must be set`);
  const filter = await makeFilter(name, config);
  if (typeof filter?.id !== 'string' || typeof filter.isAllowed !== 'function') {
    throw fail('relay-config', `filter ${name}: create() must return { id, isAllowed(message) }`);
  }
  if (config.id !== undefined && filter.id !== config.id) {
    throw fail('relay-config', `filter ${name}: its module calls itself '${filter.id}'`);
  }
  return { id: filter.id, filter, topics: config.topics, skipOnError: config.on_error === 'skip' };
}

const noTypeScript = `Node ${process.versions.node} runs no such file. TypeScript: compile it, or use Node 22.18 or later`;

async function makeFilter(name: string, config: FilterConfig): Promise<Filter | undefined> {
  try {
    const module = (await import(pathToFileURL(resolve(config.path)).href)) as {
      create?: unknown;
      default?: { create?: unknown };
    };
    const create = module.create ?? module.default?.create;
    if (typeof create !== 'function') throw new Error('the module exports no create(config)');
    return (await create(config.config)) as Filter;
  } catch (error) {
    const { message, code } = error as Error & { code?: unknown };
    const why = code === 'ERR_UNKNOWN_FILE_EXTENSION' ? noTypeScript : message;
    throw fail('relay-config', `filter ${name} (${config.path}): ${why}`);
  }
}

/** The filter that drops a message. */
export interface Verdict {
  readonly id: string;
  /** The filter threw, and is configured to skip then. */
  readonly failed: boolean;
}

/** The filters of one source topic. */
export class FilterChain {
  readonly #filters: readonly LoadedFilter[];

  constructor(all: readonly LoadedFilter[], sourceTopic: string) {
    this.#filters = all.filter((filter) => filter.topics.length === 0 || filter.topics.includes(sourceTopic));
  }

  get isEmpty(): boolean {
    return this.#filters.length === 0;
  }

  /** undefined: the message passes. @throws GatewayError `relay-refused` with the message's coordinates if a filter throws. */
  check(message: Message): Verdict | undefined {
    for (const { id, filter, skipOnError } of this.#filters) {
      try {
        if (!filter.isAllowed(message)) return { id, failed: false };
      } catch (error) {
        if (skipOnError) return { id, failed: true };
        const where = `${message.topic}[${message.partition}]@${message.offset}`;
        throw fail('relay-refused', where, `filter ${id} threw: ${(error as Error)?.message ?? String(error)}`);
      }
    }
    return undefined;
  }
}
