// Replies of RESP 2 as the console reads and prints them.

export type RedisReply =
  | { readonly kind: 'status' | 'error'; readonly text: string }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'bulk'; readonly bytes: Buffer }
  | { readonly kind: 'nil' }
  | { readonly kind: 'array'; readonly items: readonly RedisReply[] };

/** The reply that begins at `from`; undefined: bytes are missing. @throws Error for what is no RESP 2 */
export function readReply(bytes: Buffer, from = 0): { reply: RedisReply; end: number } | undefined {
  const eol = bytes.indexOf('\r\n', from);
  if (eol < 0) return undefined;
  const line = bytes.toString('utf8', from + 1, eol);
  const end = eol + 2;
  switch (bytes[from]) {
    case 0x2b:
      return { reply: { kind: 'status', text: line }, end };
    case 0x2d:
      return { reply: { kind: 'error', text: line }, end };
    case 0x3a:
      return { reply: { kind: 'integer', value: Number(line) }, end };
    case 0x24:
      return readBulk(bytes, Number(line), end);
    case 0x2a:
      return readArray(bytes, Number(line), end);
    default:
      throw new Error(`a reply begins with the byte ${bytes[from]}`);
  }
}

function readBulk(bytes: Buffer, length: number, from: number): { reply: RedisReply; end: number } | undefined {
  if (length < 0) return { reply: { kind: 'nil' }, end: from };
  if (bytes.length < from + length + 2) return undefined;
  return { reply: { kind: 'bulk', bytes: bytes.subarray(from, from + length) }, end: from + length + 2 };
}

function readArray(bytes: Buffer, count: number, from: number): { reply: RedisReply; end: number } | undefined {
  if (count < 0) return { reply: { kind: 'nil' }, end: from };
  const items: RedisReply[] = [];
  let end = from;
  for (let index = 0; index < count; index++) {
    const item = readReply(bytes, end);
    if (!item) return undefined;
    items.push(item.reply);
    end = item.end;
  }
  return { reply: { kind: 'array', items }, end };
}

/** As redis-cli prints it on a terminal. @param shown what is shown of a bulk string */
export function printReply(
  reply: RedisReply,
  shown: (bytes: Buffer) => Buffer = (bytes) => bytes,
  indent = '',
): string {
  switch (reply.kind) {
    case 'status':
      return reply.text;
    case 'error':
      return `(error) ${reply.text}`;
    case 'integer':
      return `(integer) ${reply.value}`;
    case 'nil':
      return '(nil)';
    case 'bulk':
      return quoted(shown(reply.bytes));
    case 'array': {
      if (reply.items.length === 0) return '(empty array)';
      const width = String(reply.items.length).length;
      const inner = indent + ' '.repeat(width + 2);
      const lines = reply.items.map(
        (item, index) =>
          `${index === 0 ? '' : indent}${String(index + 1).padStart(width)}) ${printReply(item, shown, inner)}`,
      );
      return lines.join('\n');
    }
  }
}

const escapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
  '"': '\\"',
  '\\': '\\\\',
};

/** Printable ASCII stays; other bytes are escaped, as redis-cli does. */
const quoted = (bytes: Buffer): string =>
  `"${bytes.toString('latin1').replace(/[^ !#-[\]-~]/g, (char) => escapes[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)}"`;

/** The words of a line, with quotes and escapes as redis-cli reads them; undefined: quotes are not closed. */
export function wordsOf(line: string): Buffer[] | undefined {
  const words: Buffer[] = [];
  const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"']+))(?=\s|$)/gy;
  let at = 0;
  while (line.slice(at).trim() !== '') {
    pattern.lastIndex = at;
    const found = pattern.exec(line);
    if (!found) return undefined;
    at = pattern.lastIndex;
    const [, double, single, plain] = found;
    words.push(double === undefined ? Buffer.from(plain ?? single!.replace(/\\'/g, "'")) : unescaped(double));
  }
  return words;
}

const named: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/** What stands in double quotes: `\x00` is a byte. */
export function unescaped(text: string): Buffer {
  const parts = text.split(/(\\x[0-9a-fA-F]{2}|\\.)/s).map((part, index) => {
    if (index % 2 === 0) return Buffer.from(part);
    if (part.length === 4) return Buffer.from([Number.parseInt(part.slice(2), 16)]);
    return Buffer.from(named[part[1]!] ?? part[1]!);
  });
  return Buffer.concat(parts);
}
