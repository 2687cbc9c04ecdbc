// Filters: JavaScript modules that decide which messages pass.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { within } from '../../core/clock.js';
import type { Clock, Message } from '../../core/ports.js';
import { runForeign, type StrayReport } from '../../core/stray-errors.js';
import { fail } from '../../errors.js';
import type { FilterConfig } from '../config/filter-config.js';

/** The result of a module's `create(config)`. */
interface Filter {
  readonly id: string;
  /** False drops the message, true lets it pass; anything else is an error. It may be a promise. */
  isAllowed(message: Message): unknown;
}

/** A filter and its configuration. */
export interface LoadedFilter {
  readonly id: string;
  readonly filter: Filter;
  readonly topics: readonly string[];
  readonly skipOnError: boolean;
  /** Gets the errors that it leaves unhandled. */
  readonly onStray: StrayReport;
}

/** @returns what gets the errors that the named filter leaves unhandled */
type StrayReports = (filter: string) => StrayReport;

/** Loads every module in order. @throws GatewayError `relay-config` naming the filter. */
export async function loadFilters(configs: readonly FilterConfig[], strays: StrayReports): Promise<LoadedFilter[]> {
  const loaded: LoadedFilter[] = [];
  for (const config of configs) loaded.push(await loadFilter(config, strays));
  const ids = loaded.map((filter) => filter.id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice) throw fail('relay-config', `filter ${twice}: this id is there twice`);
  return loaded;
}

async function loadFilter(config: FilterConfig, strays: StrayReports): Promise<LoadedFilter> {
  const name = config.id ?? config.path;
  if (!config.path) throw fail('relay-config', `filters.${name}.path must be set`);
  const onStray = strays(name);
  const filter = await runForeign(onStray, makeFilter, name, config);
  if (typeof filter?.id !== 'string' || typeof filter.isAllowed !== 'function') {
    throw fail('relay-config', `filter ${name}: create() must return { id, isAllowed(message) }`);
  }
  if (config.id !== undefined && filter.id !== config.id) {
    throw fail('relay-config', `filter ${name}: its module calls itself '${filter.id}'`);
  }
  return { id: filter.id, filter, topics: config.topics, skipOnError: config.on_error === 'skip', onStray };
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
  readonly #clock: Clock;

  constructor(all: readonly LoadedFilter[], sourceTopic: string, clock: Clock) {
    this.#clock = clock;
    this.#filters = all.filter((filter) => filter.topics.length === 0 || filter.topics.includes(sourceTopic));
  }

  get isEmpty(): boolean {
    return this.#filters.length === 0;
  }

  /**
   * undefined: the message passes. A promise only where a filter returns one: most do not, and this is the hot path.
   * @throws GatewayError `relay-refused` with the message's coordinates if a filter throws, rejects or decides nothing.
   */
  check(message: Message): Verdict | undefined | Promise<Verdict | undefined> {
    return this.#checkFrom(0, message);
  }

  #checkFrom(first: number, message: Message): Verdict | undefined | Promise<Verdict | undefined> {
    for (let at = first; at < this.#filters.length; at++) {
      const { filter, onStray } = this.#filters[at]!;
      let answer: unknown;
      try {
        answer = runForeign(onStray, isAllowed, filter, message);
      } catch (error) {
        return this.#failed(at, message, threw(error));
      }
      if (isThenable(answer)) return this.#checkLater(at, message, runForeign(onStray, promiseOf, answer));
      const verdict = this.#verdict(at, message, answer);
      if (verdict) return verdict;
    }
    return undefined;
  }

  async #checkLater(at: number, message: Message, answer: Promise<unknown>): Promise<Verdict | undefined> {
    let settled: { readonly value: unknown } | undefined;
    try {
      settled = await within(
        this.#clock,
        longestAnswerMs,
        answer.then((value) => ({ value })),
      );
    } catch (error) {
      return this.#failed(at, message, threw(error));
    }
    if (!settled) return this.#failed(at, message, `did not answer within ${longestAnswerMs / 1_000} s`);
    return this.#verdict(at, message, settled.value) ?? this.#checkFrom(at + 1, message);
  }

  #verdict(at: number, message: Message, answer: unknown): Verdict | undefined {
    if (answer === true) return undefined;
    if (answer === false) return { id: this.#filters[at]!.id, failed: false };
    const what = answer === null ? 'null' : typeof answer;
    return this.#failed(at, message, `must return true or false, and returned ${what}`);
  }

  #failed(at: number, { topic, partition, offset }: Message, why: string): Verdict {
    const { id, skipOnError } = this.#filters[at]!;
    if (skipOnError) return { id, failed: true };
    throw fail('relay-refused', `${topic}[${partition}]@${offset}`, `filter ${id} ${why}`);
  }
}

const promiseOf = (answer: PromiseLike<unknown>): Promise<unknown> => Promise.resolve(answer);
const isAllowed = (filter: Filter, message: Message): unknown => filter.isAllowed(frozenCopy(message));

/** A filter that decides nothing for so long fails, ms. */
const longestAnswerMs = 30_000;

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | undefined | null)?.then === 'function';

const threw = (error: unknown): string => `threw: ${(error as Error)?.message ?? String(error)}`;

const copyOf = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes));

/** What a filter does to it reaches neither the target nor the next filter. Buffers cannot be frozen: they are copied. */
function frozenCopy({ key, value, headers, ...place }: Message): Message {
  return Object.freeze({
    ...place,
    key: copyOf(key),
    value: copyOf(value),
    headers: Object.freeze(
      headers.map((header) => Object.freeze({ ...header, value: header.value && Buffer.from(header.value) })),
    ),
  });
}
