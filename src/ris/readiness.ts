// Why a RIS worker is not ready: no feed, no Redis, or a leader that commits nothing.
import type { CollectorFigures } from './collector.js';

/** Without a feed, or without a commit while messages wait, for so long a worker is not ready, ms. */
const patienceMs = 30_000;

/** One line for each reason; empty: it is ready. @param leaseTtlMs so long may Redis be away */
export function problemsOf(figures: readonly CollectorFigures[], leaseTtlMs: number): string[] {
  const problems: string[] = [];
  const seconds = (ms: number): string => `${Math.floor(ms / 1_000)} s`;
  // A single collector may be silent for its own reasons: the progress line and ris_connected tell of it.
  if (figures.length > 0 && figures.every(({ feedAwayMs }) => feedAwayMs > patienceMs)) {
    const shortest = Math.min(...figures.map(({ feedAwayMs }) => feedAwayMs));
    problems.push(`ris: no feed is connected for ${seconds(shortest)}`);
  }
  const redisAwayMs = Math.max(0, ...figures.map((each) => each.redisAwayMs));
  if (redisAwayMs > leaseTtlMs) problems.push(`ris: Redis has not answered for ${seconds(redisAwayMs)}`);
  for (const { host, stuckMs, backlog } of figures)
    if (stuckMs > patienceMs)
      problems.push(`ris: ${host} has committed nothing for ${seconds(stuckMs)} while ${backlog} messages wait`);
  return problems;
}
