// Who leads a collector: one Redis key with a time to live, a fencing token, and the replicas' adverts.
import { Redis } from 'ioredis';
import type { Clock } from '../../core/ports.js';
import type { RedisPlace } from '../redis-url.js';

export interface LeaseOptions {
  /** Prefix of every key: `<prefix><collector>:lease` and so on. */
  readonly prefix: string;
  /** The lifetime of a lease without renewal, ms. */
  readonly ttlMs: number;
  /** This replica's name, unique among all. */
  readonly replica: string;
  readonly clock: Clock;
}

/** What a standby advertises. */
export interface Advert {
  readonly replica: string;
  /** Feed time (us since the epoch) since which this replica is complete; null: it has nothing yet. */
  readonly since: number | null;
}

/** A snapshot of the collector's keys. */
export interface LeaseSnapshot {
  readonly leader: string | null;
  /** Feed time (us) up to which the leader has committed everything, as it last reported; null: unknown. */
  readonly progress: number | null;
  /** Other replicas heard of within the time to live. */
  readonly adverts: readonly Advert[];
}

/** The Redis connection that all collectors of a process share; every call fails early rather than waits. */
export function connectRedis(place: RedisPlace, commandTimeoutMs: number, onError: (error: Error) => void): Redis {
  const redis = new Redis({
    ...place,
    lazyConnect: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    connectTimeout: commandTimeoutMs,
    retryStrategy: (attempt) => Math.min(50 * attempt, 500),
    sentinelRetryStrategy: (attempt) => Math.min(50 * attempt, 500),
    sentinelCommandTimeout: commandTimeoutMs,
    // A master that became a replica keeps its connections: the Sentinels name the new one.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
  });
  redis.on('error', onError);
  return redis;
}

/**
 * KEYS lease, token, progress, replicas. ARGV replica, its advert (empty: it leads), ttl.
 * Advertises itself and reads the others in one step; adverts age by Redis' own clock.
 */
const look = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] == '' then redis.call('HDEL', KEYS[4], ARGV[1])
else redis.call('HSET', KEYS[4], ARGV[1], now .. ' ' .. ARGV[2]) end
local others = {}
local all = redis.call('HGETALL', KEYS[4])
for i = 1, #all, 2 do
  local at, advert = string.match(all[i + 1], '^(%d+) (.*)$')
  if tonumber(at) + tonumber(ARGV[3]) < now then redis.call('HDEL', KEYS[4], all[i])
  elseif all[i] ~= ARGV[1] then others[#others + 1] = all[i] others[#others + 1] = advert end
end
return { redis.call('GET', KEYS[1]), redis.call('GET', KEYS[3]), others }`;

/** KEYS lease, token. ARGV replica, ttl. @returns the lease's value, or false if another replica has it. */
const acquire = `
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local value = redis.call('INCR', KEYS[2]) .. ':' .. ARGV[1]
if redis.call('SET', KEYS[1], value, 'NX', 'PX', ARGV[2]) then return value end
return false`;

/**
 * KEYS lease, progress. ARGV value, ttl, progress. A lease that vanished with a restarted Redis is set again. If another
 * replica had it in between, Kafka has fenced us, and the next transaction fails.
 */
const renew = `
local held = redis.call('GET', KEYS[1])
if held == false then redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
elseif held == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2])
else return 0 end
if ARGV[3] ~= '' then redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[2] * 10) end
return 1`;

/** KEYS lease. ARGV value. */
const release = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`;

/** A held lease: its end by this process's own monotonic clock. */
export interface Held {
  /** `<fencing token>:<replica>`. */
  readonly value: string;
  /** The fencing token: grows with every lease while Redis keeps its data. */
  readonly token: number;
}

/** The lease of one collector. All methods reject if Redis does not answer; only valid() decides whether we lead. */
export class Lease {
  readonly #redis: Redis;
  readonly #options: LeaseOptions;
  readonly #keys: { lease: string; token: string; progress: string; replicas: string };
  #held: Held | undefined;
  #until = 0;

  constructor(redis: Redis, collector: string, options: LeaseOptions) {
    this.#redis = redis;
    this.#options = options;
    const key = (name: string) => `${options.prefix}${collector}:${name}`;
    this.#keys = { lease: key('lease'), token: key('token'), progress: key('progress'), replicas: key('replicas') };
  }

  get held(): Held | undefined {
    return this.#held;
  }

  /**
   * Whether this replica may still act as the leader. Measured from before the request was sent and by a clock that runs while the
   * process is paused, so it ends before Redis gives the lease to another.
   */
  valid(): boolean {
    return this.#held !== undefined && this.#options.clock.monotonic() < this.#until;
  }

  /** Advertises us (nothing while we lead) and reads the others' adverts. */
  async look(since: number | null): Promise<LeaseSnapshot> {
    const { lease, token, progress, replicas } = this.#keys;
    const { replica, ttlMs } = this.#options;
    const advert = this.valid() ? '' : `${since ?? 'none'}`;
    const answer = await this.#redis.eval(look, 4, lease, token, progress, replicas, replica, advert, ttlMs);
    const [leader, at, others] = answer as [string | null, string | null, string[]];
    return {
      leader,
      progress: at === null ? null : Number(at),
      adverts: pairs(others).map(([name, text]) => ({ replica: name, since: text === 'none' ? null : Number(text) })),
    };
  }

  /** @returns true if this replica leads now. */
  async acquire(): Promise<boolean> {
    const from = this.#options.clock.monotonic();
    const { lease, token } = this.#keys;
    const value = await this.#redis.eval(acquire, 2, lease, token, this.#options.replica, this.#options.ttlMs);
    if (typeof value !== 'string') return false;
    this.#held = { value, token: Number(value.split(':', 1)[0]) };
    this.#until = from + this.#options.ttlMs;
    return true;
  }

  /**
   * Renews the lease, unless it is over by our own clock or another replica has it.
   * @param progress feed time (us) up to which all is committed, for the others.
   * @returns false if the lease is lost.
   */
  async renew(progress: number | null): Promise<boolean> {
    const held = this.#held;
    if (!held || !this.valid()) return this.#lose();
    const from = this.#options.clock.monotonic();
    const keys = [this.#keys.lease, this.#keys.progress];
    const kept = await this.#redis.eval(renew, 2, ...keys, held.value, this.#options.ttlMs, progress ?? '');
    if (this.#held !== held) return false;
    if (kept !== 1) return this.#lose();
    this.#until = from + this.#options.ttlMs;
    return true;
  }

  /** Gives the lease up, here at once and in Redis if it answers. Never rejects. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#lose();
    if (held) await this.#redis.eval(release, 1, this.#keys.lease, held.value).catch(() => 0);
  }

  /** This replica is leaving: the others need not wait for its turn. Never rejects. */
  async leave(): Promise<void> {
    await this.release();
    await this.#redis.hdel(this.#keys.replicas, this.#options.replica).catch(() => 0);
  }

  #lose(): false {
    this.#held = undefined;
    this.#until = 0;
    return false;
  }
}

function pairs(list: readonly string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let i = 0; i + 1 < list.length; i += 2) out.push([list[i]!, list[i + 1]!]);
  return out;
}
