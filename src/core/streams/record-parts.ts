import type { Header } from '../ports.js';

/** What of a record the fields make. */
export interface RecordParts {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly headers: readonly Header[];
  /** One of the fields is the value. */
  readonly hasValue: boolean;
}
