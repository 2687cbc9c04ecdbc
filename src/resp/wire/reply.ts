// Reply values: a command's answer in terms of RESP, independent of sockets and protocol versions.

/**
 * A reply. The plain ones need no wrapper and no allocation:
 * a number is an integer, a string (UTF-8) or Buffer a bulk string, null the null bulk, an array an array.
 * The rest are the classes and constants below. RESP3 types fall back to their RESP2 form on older connections.
 */
export type Reply = number | string | Buffer | null | readonly Reply[] | SpecialReply;

/** `+text`. */
export class Simple {
  constructor(readonly text: string) {}
}

/** `-text`; the first word is the error's prefix. Line breaks are replaced when it is encoded. */
export class ErrorReply {
  constructor(readonly text: string) {}
}

/** `%n`, on RESP2 a flat array. Keys and values alternate. */
export class MapReply {
  constructor(readonly items: readonly Reply[]) {}
}

/** `~n`, on RESP2 an array. */
export class SetReply {
  constructor(readonly items: readonly Reply[]) {}
}

/** `>n`, on RESP2 an array: pushed data (pub/sub, invalidation). */
export class PushReply {
  constructor(readonly items: readonly Reply[]) {}
}

/** `=n`, on RESP2 a bulk string: text for people. */
export class Verbatim {
  constructor(readonly text: string) {}
}

/** `,n`, on RESP2 a bulk string. */
export class Double {
  constructor(readonly value: number) {}
}

/** `#t` or `#f`, on RESP2 the integers 1 and 0. */
export class BooleanReply {
  constructor(readonly value: boolean) {}
}

/** Bytes that are RESP already, the same for both versions; cached for answers that repeat. */
export class Encoded {
  constructor(readonly bytes: Buffer) {}
}

export type SpecialReply =
  | Simple
  | ErrorReply
  | MapReply
  | SetReply
  | PushReply
  | Verbatim
  | Double
  | BooleanReply
  | Encoded
  | typeof nullArray
  | typeof noReply;

export const OK = new Simple('OK');
/** `*-1` on RESP2, `_` on RESP3: what a blocking pop answers after its time-out. */
export const nullArray = Symbol('null array');
/** Nothing is written: the command has answered by other means, or must not answer. */
export const noReply = Symbol('no reply');

/** A map reply of an object's own entries. */
export const mapOf = (entries: Readonly<Record<string, Reply>>): MapReply =>
  new MapReply(Object.entries(entries).flat());

/** Whether an encoded reply is an array or map with something in it. */
export function hasEntries(reply: Buffer): boolean {
  const kind = reply[0];
  return (kind === 0x2a || kind === 0x25) && reply[1] !== 0x2d && reply[1] !== 0x30;
}
