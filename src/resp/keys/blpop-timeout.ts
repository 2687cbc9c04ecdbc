// BLPOP's time-out: Rafka's README uses milliseconds, its code and every Redis client seconds. Both work. See docs/decisions/0004.
import { fail } from '../../errors.js';

export type TimeoutUnit = 'auto' | 's' | 'ms';

export interface BlpopTimeout {
  /** Infinity: no limit. */
  readonly ms: number;
  /** How the argument was read. */
  readonly unit: 's' | 'ms';
}

/** In `auto`, a whole number from here on is milliseconds: a quarter of an hour is no plausible wait, and Rafka's README shows 1000. */
const firstMillisecondValue = 1_000;

/** @throws GatewayError `consumer-timeout-invalid`, `consumer-timeout-negative` (Redis' texts). */
export function parseBlpopTimeout(bytes: Buffer, unit: TimeoutUnit): BlpopTimeout {
  const text = bytes.toString('latin1');
  const value = Number(text);
  if (text.trim() !== text || text === '' || !Number.isFinite(value)) throw fail('consumer-timeout-invalid');
  if (value < 0) throw fail('consumer-timeout-negative');
  const read = unit === 'auto' ? (Number.isInteger(value) && value >= firstMillisecondValue ? 'ms' : 's') : unit;
  if (value === 0) return { ms: Number.POSITIVE_INFINITY, unit: read };
  return { ms: read === 'ms' ? value : value * 1_000, unit: read };
}
