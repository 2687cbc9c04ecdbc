// A conformance script: what is sent on one connection, and the exact bytes that come back.

export type Sent = string | readonly (string | Buffer)[];

/** One character a byte. A pattern stands for what differs from run to run, and must match as a whole. */
export type Expected = string | RegExp | { readonly resp2: string | RegExp; readonly resp3: string | RegExp };

export interface Script {
  readonly title: string;
  /** Server settings that differ from the defaults; such a script gets a server of its own. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Topics that exist, with their partitions. */
  readonly topics?: Readonly<Record<string, number>>;
  readonly steps: readonly (readonly [send: Sent, expect: Expected])[];
}

/** A bulk string on the wire. */
export const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

/** An array of bulk strings on the wire. */
export const bulks = (...texts: string[]): string => `*${texts.length}\r\n${texts.map(bulk).join('')}`;

export const nil = { resp2: '$-1\r\n', resp3: '_\r\n' } as const;
export const nilArray = { resp2: '*-1\r\n', resp3: '_\r\n' } as const;
export const OK = '+OK\r\n';

/** A text for people: verbatim in RESP3. */
export const text = (pattern: string): Expected => ({
  resp2: new RegExp(`^\\$\\d+\\r\\n${pattern}\\r\\n$`, 's'),
  resp3: new RegExp(`^=\\d+\\r\\ntxt:${pattern}\\r\\n$`, 's'),
});
