// What the console shows of one mapping.

/** A mapping as the console shows it; null: unknown. */
export interface MappingView {
  readonly source: string;
  readonly target: string;
  /** In words: `relaying`, `waiting for a source`, ... */
  readonly state: string;
  /** The source that is read, its brokers, and by how many messages it is behind the best. */
  readonly active: number | null;
  readonly brokers: string | null;
  readonly behind: number | null;
  /** Sources that answer, of all. */
  readonly healthy: number;
  readonly of: number;
  /** Since the start. */
  readonly messages: number;
  readonly bytes: number;
  readonly filtered: number;
  readonly skipped: number;
  readonly remaining: number | null;
  /** An open transaction of the source that hides what follows; null: none. */
  readonly hidden: string | null;
  /** ms since the epoch; null: not yet. */
  readonly committedAt: number | null;
  /** null: none. */
  readonly lastError: string | null;
}
