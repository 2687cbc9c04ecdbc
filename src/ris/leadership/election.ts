// Which replica should lead: pure decisions on what the replicas report.
import type { Advert, LeaseSnapshot } from './lease.js';

/**
 * Whether a replica should try for a lease now.
 * Times are feed time (us): a replica that is complete since no later than the committed progress can continue without a hole,
 * and tries at once; others give way to those that are more complete.
 * @param since when this replica has been complete from; null: it has no feed, and nothing to lead with.
 * @param freeMs how long the lease has been free.
 * @param patienceMs how long to wait for each better replica.
 */
export function shouldStand(
  since: number | null,
  snapshot: LeaseSnapshot,
  freeMs: number,
  patienceMs: number,
): boolean {
  if (snapshot.leader !== null || since === null) return false;
  if (snapshot.progress !== null && since <= snapshot.progress) return true;
  const better = snapshot.adverts.filter((other) => other.since !== null && other.since < since).length;
  return freeMs >= better * patienceMs;
}

/**
 * Whether a leader whose feed has a gap should step down: if some standby has a feed that began before ours resumed.
 * Best is one that is complete since before the progress; but each of them misses less than we do.
 * @param since where our own feed resumes; null: it has not.
 */
export function hasBetter(adverts: readonly Advert[], since: number | null): boolean {
  return adverts.some((other) => other.since !== null && (since === null || other.since < since));
}
