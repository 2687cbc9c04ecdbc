// Default memory budgets. In a process that may use little memory each is a share of its limit, where that is below the usual value.

const mebibyte = 1024 * 1024;

interface Share {
  /** Bytes where memory is plenty. */
  readonly usual: number;
  /** Its part of the limit: one in so many. */
  readonly oneIn: number;
  /** Bytes below which clients could not work. */
  readonly least: number;
}

/** Beside these the process needs about 100 MiB for itself, and memory for the Buffers of finished requests. */
const shares = {
  /** Waiting requests and replies of all RESP clients. */
  queryBuffer: { usual: 256 * mebibyte, oneIn: 8, least: 8 * mebibyte },
  /** Undelivered records of all producers. */
  produceBuffer: { usual: 512 * mebibyte, oneIn: 16, least: 4 * mebibyte },
  /** Unread replies of one RESP client. */
  outputBuffer: { usual: 32 * mebibyte, oneIn: 32, least: 4 * mebibyte },
  /** Read-ahead of one consumer; librdkafka may hold as much again. */
  prefetch: { usual: 8 * mebibyte, oneIn: 64, least: mebibyte },
  /** REST and gRPC requests that are not answered yet. */
  bodies: { usual: 256 * mebibyte, oneIn: 16, least: 8 * mebibyte },
  /** One topic of the relay. */
  relayBuffer: { usual: 32 * mebibyte, oneIn: 8, least: mebibyte },
  /** Received lines of one RIS collector. */
  risBuffer: { usual: 128 * mebibyte, oneIn: 4, least: 4 * mebibyte },
} as const satisfies Record<string, Share>;

export type Budget = keyof typeof shares;

/** In bytes. @param limit what the process may use; absent: plenty  @param among how many have such a budget each */
export function budgetOf(name: Budget, limit: number | undefined, among = 1): number {
  const { usual, oneIn, least } = shares[name];
  if (limit === undefined) return usual;
  return Math.min(usual, Math.max(least, Math.floor(limit / oneIn / among)));
}
