// The pause before the next try.

export interface BackoffSettings {
  readonly enabled: boolean;
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Milliseconds before try `attempt` + 1 (attempt counts from 1): doubling from min to max with a spread of 20 % either side;
 * one second if backoff is off.
 * @param random uniform in [0, 1)
 */
export function backoffMs(settings: BackoffSettings, attempt: number, random: () => number): number {
  if (!settings.enabled) return 1_000;
  if (attempt <= 0) return settings.minMs;
  if (attempt > 10) return settings.maxMs;
  return Math.min(settings.maxMs, settings.minMs * 2 ** (attempt - 1) * (0.8 + random() * 0.4));
}
