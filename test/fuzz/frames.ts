// Random and mutated requests, the same ones for the same seed.
import { encodeCommand } from '../support/resp-pair.js';

/** Marsaglia's xorshift: small, and the same everywhere. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** 0 to below `limit`. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

const words =
  'topics:t topics:t,u topics: topics:t:{"a":1} topic:x:k acks t:0:0 t:0:-1 t:1 0 1 -1 0.001 1000 99999999999 stats g:c a:b:c * MATCH COUNT TYPE list ON OFF SKIP ID LIB-NAME SETNAME AUTH default 2 3 FILTERBY PATTERN GET DOCS ALL'.split(
    ' ',
  );
const pieces = ['*', '$', '\r\n', '\n', '\r', '0', '1', '-1', '4294967296', '999999999999', ' ', '"', "'", '\\x', '\0'];
/** They end the connection, or wait: enough of them come by mutation. */
const rare = new Set(['quit', 'blpop', 'monitor', 'dump', 'xread', 'xreadgroup']);

/**
 * One frame: a well-formed command, or (wild) one with bytes changed, or rubbish.
 * Most wild ones end their connection, so calm ones are needed to get anywhere.
 */
export function randomFrame(random: Random, names: readonly (readonly string[])[], wild: boolean): Buffer {
  const kind = wild ? random.below(10) : 0;
  if (kind < 5) return randomCommand(random, names);
  if (kind < 8) return mutated(random, randomCommand(random, names));
  if (kind < 9) return Buffer.from(Array.from({ length: 1 + random.below(12) }, () => random.pick(pieces)).join(''));
  return random.bytes(1 + random.below(64));
}

function randomCommand(random: Random, names: readonly (readonly string[])[]): Buffer {
  let name = random.pick(names);
  if (rare.has(name[0]!) && random.below(50) > 0) name = ['ping'];
  const args = Array.from({ length: random.below(5) }, () => randomArgument(random));
  return encodeCommand([...name, ...args]);
}

function randomArgument(random: Random): string | Buffer {
  const kind = random.below(20);
  if (kind === 0) return random.bytes(random.below(3000));
  if (kind < 4) return random.bytes(random.below(20));
  return random.pick(words);
}

function mutated(random: Random, frame: Buffer): Buffer {
  const copy = Buffer.from(frame);
  for (let changes = 1 + random.below(4); changes > 0; changes--) copy[random.below(copy.length)] = random.below(256);
  const cut = random.below(4);
  if (cut === 0) return copy.subarray(0, random.below(copy.length + 1));
  return cut === 1 ? Buffer.concat([copy, copy.subarray(random.below(copy.length))]) : copy;
}
