/** What decides about a refused record: `target.oversize`, `target.invalid`, or neither: only its own time is left out. */
export type RefusalKind = 'oversize' | 'invalid' | 'time';

/** Why the target does not take a record. */
export interface Refusal {
  readonly kind: RefusalKind;
  /** The broker's words, or ours. */
  readonly reason: string;
}
