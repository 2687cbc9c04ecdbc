// The progress line: a collector's activity since the last one.
import type { CollectorFigures } from './collector.js';

/** One line's fields; rates are per second. */
export interface ProgressLine {
  readonly host: string;
  readonly role: 'leader' | 'standby';
  readonly connected: boolean;
  readonly received: number;
  readonly published: number;
  /** How far the last committed message is behind the clock, ms; null for a standby. */
  readonly lagMs: number | null;
  /** Messages received and not yet committed (a standby: kept in case it must lead). */
  readonly backlog: number;
  readonly backlogBytes: number;
  readonly peersUp: number;
  /** Since the last line: messages that came after the reorder window, and that a full buffer had no room for. */
  readonly late: number;
  readonly dropped: number;
}

/** @param before figures of the last line, by host. */
export function progressLines(
  now: readonly CollectorFigures[],
  before: ReadonlyMap<string, CollectorFigures>,
  ms: number,
): ProgressLine[] {
  return now.map((figures) => {
    const { host, leader, connected, lagMs, backlog, backlogBytes, peersUp } = figures;
    const rate = (count: number, earlier = 0): number => Math.round(((count - earlier) / ms) * 1000);
    return {
      host,
      role: leader ? 'leader' : 'standby',
      connected,
      received: rate(figures.received, before.get(host)?.received),
      published: rate(figures.published, before.get(host)?.published),
      lagMs,
      backlog,
      backlogBytes,
      peersUp,
      late: figures.late - (before.get(host)?.late ?? 0),
      dropped: figures.dropped - (before.get(host)?.dropped ?? 0),
    };
  });
}
