// Which replica should lead: pure decisions on what the replicas tell one another.
import type { Advert, Sight } from './lease.js';

/**
 * Whether a replica should try for a lease now.
 * Times are feed time (us): a replica that has everything since no later than the committed progress can go on without a hole,
 * and tries at once; the others let those that know more go first.
 * @param since what this replica has everything since; null: it has no feed, and nothing to lead with.
 * @param freeMs how long the lease has been seen free.
 * @param patienceMs how long each better replica is given.
 */
export function shouldStand(since: number | null, sight: Sight, freeMs: number, patienceMs: number): boolean {
  if (sight.leader !== null || since === null) return false;
  if (sight.progress !== null && since <= sight.progress) return true;
  const better = sight.adverts.filter((other) => other.since !== null && other.since < since).length;
  return freeMs >= better * patienceMs;
}

/**
 * Whether a leader whose feed has a gap should step down: when some standby has a feed that began before ours came back.
 * Best is one that has everything since before the progress; but each of them misses less than we do.
 * @param since where our own feed begins again; null: it has not.
 */
export function hasBetter(adverts: readonly Advert[], since: number | null): boolean {
  return adverts.some((other) => other.since !== null && (since === null || other.since < since));
}
