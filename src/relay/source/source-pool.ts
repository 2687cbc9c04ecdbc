// Which of N identical sources to read: health, lag, round robin. Pure: the caller asks the brokers.
import type { Offsets, SourceView } from '../topics/source-view.js';

interface Source<View> {
  view: View | undefined;
  excluded: boolean;
}

/** The sum of a topic's end offsets, as kaf-relay ranks sources; -1 for one that did not answer. */
export function weightOf(view: SourceView | undefined): number {
  if (!view) return -1;
  let sum = 0;
  for (const high of view.high.values()) sum += high;
  return sum;
}

/** True if the source lacks messages that were read already: reading there would skip or repeat. */
export function isBehind(view: SourceView, positions: Offsets): boolean {
  for (const [partition, next] of positions) {
    const high = view.high.get(partition);
    if (next > 0 && (high === undefined || high < next)) return true;
  }
  return false;
}

/** True if the source still has the next message of every partition (retention has not passed the position). */
function isWhole(view: SourceView, positions: Offsets): boolean {
  for (const [partition, next] of positions) {
    if (next > 0 && (view.low.get(partition) ?? 0) > next) return false;
  }
  return true;
}

export class SourcePool<View extends SourceView = SourceView> {
  readonly #sources: Source<View>[];
  readonly #lagThreshold: number;
  #active: number | undefined;
  #lastHanded = -1;

  /** @param lagThreshold messages (sum over partitions); strictly more is too far behind */
  constructor(count: number, lagThreshold: number) {
    this.#sources = Array.from({ length: count }, () => ({ view: undefined, excluded: false }));
    this.#lagThreshold = lagThreshold;
  }

  get active(): number | undefined {
    return this.#active;
  }

  get size(): number {
    return this.#sources.length;
  }

  view(id: number): View | undefined {
    return this.#sources[id]?.view;
  }

  /** The result of a source's check; undefined: it did not answer. */
  record(id: number, view: View | undefined): void {
    this.#sources[id]!.view = view;
  }

  /** A connection failed: not to be chosen before a check finds it healthy. */
  markDown(id: number): void {
    this.#sources[id]!.view = undefined;
    if (this.#active === id) this.#active = undefined;
  }

  /** Never to be chosen again: it is not a copy of the others. */
  exclude(id: number): void {
    this.#sources[id]!.excluded = true;
    this.markDown(id);
  }

  isExcluded(id: number): boolean {
    return this.#sources[id]!.excluded;
  }

  get allExcluded(): boolean {
    return this.#sources.every(({ excluded }) => excluded);
  }

  /** The source is being read. */
  hand(id: number): void {
    this.#active = id;
    this.#lastHanded = id;
  }

  release(): void {
    this.#active = undefined;
  }

  /**
   * The next source to read: round robin among healthy ones that are not behind, first those that still have
   * every message wanted. undefined: none.
   */
  choose(positions: Offsets): number | undefined {
    const fit = this.#inTurn().filter((id) => this.#isFit(id, positions));
    return fit.find((id) => isWhole(this.#sources[id]!.view!, positions)) ?? fit[0];
  }

  /** The source to read instead because the active one lags behind it by more than the threshold; undefined: stay. */
  overtaker(positions: Offsets): number | undefined {
    const active = this.#active === undefined ? undefined : this.#sources[this.#active]!.view;
    if (!active) return undefined;
    const tooFar = weightOf(active) + this.#lagThreshold;
    return this.#inTurn().find(
      (id) => id !== this.#active && this.#isFit(id, positions) && weightOf(this.#sources[id]!.view) > tooFar,
    );
  }

  #isFit(id: number, positions: Offsets): boolean {
    const { view, excluded } = this.#sources[id]!;
    return !excluded && view !== undefined && !isBehind(view, positions);
  }

  #inTurn(): number[] {
    const count = this.#sources.length;
    return Array.from({ length: count }, (_, step) => (this.#lastHanded + 1 + step) % count);
  }
}
