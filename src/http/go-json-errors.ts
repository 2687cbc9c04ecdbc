// Go's JSON parser errors for a text that is not JSON: their texts are part of the API.

const whitespace = new Set([' ', '\t', '\r', '\n']);
const literals: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };

/** @returns Go's error text, or undefined if the text is JSON. */
export function goJsonError(text: string): string | undefined {
  const scanner = new Scanner(text);
  try {
    scanner.value('looking for beginning of value');
    scanner.end();
    return undefined;
  } catch (error) {
    if (error instanceof Complaint) return error.message;
    throw error;
  }
}

class Complaint extends Error {}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(context: string): void {
    this.#skip();
    const first = this.#next(context);
    if (first === '{') this.#object();
    else if (first === '[') this.#array();
    else if (first === '"') this.#string();
    else if (first === '-' || (first >= '0' && first <= '9')) this.#number(first);
    else if (first in literals) this.#literal(literals[first]!);
    else this.#complain(first, context);
  }

  end(): void {
    this.#skip();
    if (this.#at < this.#text.length) this.#complain(this.#text[this.#at]!, 'after top-level value');
  }

  #object(): void {
    this.#skip();
    if (this.#peek() === '}') {
      this.#advance();
      return;
    }
    for (;;) {
      this.#skip();
      const quote = this.#next('looking for beginning of object key string');
      if (quote !== '"') this.#complain(quote, 'looking for beginning of object key string');
      this.#string();
      this.#skip();
      const colon = this.#next('after object key');
      if (colon !== ':') this.#complain(colon, 'after object key');
      this.value('looking for beginning of value');
      this.#skip();
      const after = this.#next('after object key:value pair');
      if (after === '}') return;
      if (after !== ',') this.#complain(after, 'after object key:value pair');
    }
  }

  #array(): void {
    this.#skip();
    if (this.#peek() === ']') {
      this.#advance();
      return;
    }
    for (;;) {
      this.value('looking for beginning of value');
      this.#skip();
      const after = this.#next('after array element');
      if (after === ']') return;
      if (after !== ',') this.#complain(after, 'after array element');
    }
  }

  #string(): void {
    for (;;) {
      const character = this.#next('in string literal');
      if (character === '"') return;
      if (character < ' ') this.#complain(character, 'in string literal');
      if (character === '\\') this.#escape();
    }
  }

  #escape(): void {
    const character = this.#next('in string escape code');
    if (character === 'u') {
      for (let digit = 0; digit < 4; digit++) {
        const hex = this.#next('in \\u hexadecimal character escape');
        if (!/[0-9a-fA-F]/.test(hex)) this.#complain(hex, 'in \\u hexadecimal character escape');
      }
    } else if (!'bfnrt\\/"'.includes(character)) this.#complain(character, 'in string escape code');
  }

  #number(first: string): void {
    let digit = first;
    if (first === '-') {
      digit = this.#next('in numeric literal');
      if (!isDigit(digit)) this.#complain(digit, 'in numeric literal');
    }
    if (digit !== '0') this.#digits();
    if (this.#peek() === '.') {
      this.#advance();
      const fraction = this.#next('after decimal point in numeric literal');
      if (!isDigit(fraction)) this.#complain(fraction, 'after decimal point in numeric literal');
      this.#digits();
    }
    if (this.#peek() === 'e' || this.#peek() === 'E') this.#exponent();
  }

  #exponent(): void {
    this.#advance();
    let digit = this.#next('in exponent of numeric literal');
    if (digit === '+' || digit === '-') digit = this.#next('in exponent of numeric literal');
    if (!isDigit(digit)) this.#complain(digit, 'in exponent of numeric literal');
    this.#digits();
  }

  #literal(word: string): void {
    for (const expected of word.slice(1)) {
      const context = `in literal ${word} (expecting '${expected}')`;
      const found = this.#next(context);
      if (found !== expected) this.#complain(found, context);
    }
  }

  #digits(): void {
    while (isDigit(this.#peek() ?? '')) this.#at++;
  }

  #skip(): void {
    while (whitespace.has(this.#text[this.#at] ?? '')) this.#at++;
  }

  #peek(): string | undefined {
    return this.#text[this.#at];
  }

  #advance(): void {
    this.#at++;
  }

  #next(_context: string): string {
    const character = this.#text[this.#at];
    if (character === undefined) throw new Complaint('unexpected end of JSON input');
    this.#at++;
    return character;
  }

  #complain(character: string, context: string): never {
    throw new Complaint(`invalid character ${quoted(character)} ${context}`);
  }
}

const isDigit = (character: string): boolean => character >= '0' && character <= '9' && character.length === 1;

function quoted(character: string): string {
  if (character === "'") return "'\\''";
  if (character === '"') return `'"'`;
  return `'${JSON.stringify(character).slice(1, -1)}'`;
}
