// Reads a request's parameters by Kafka-Pixy's rules: a name that is present counts, and the body's values come first.
import { parse } from 'node:querystring';
import { fail } from '../errors.js';

type Values = Readonly<Record<string, string | readonly string[] | undefined>>;

const formType = /^application\/x-www-form-urlencoded\s*(;|$)/i;

const none: Values = Object.freeze({});

export const isForm = (contentType: string): boolean => contentType !== 'text/plain' && formType.test(contentType);

export class Params {
  readonly #query: Values;
  readonly #form: Values;

  /** @param query the part after `?`. @param body used if its type is that of a form. */
  constructor(query: string, contentType = '', body?: Buffer) {
    this.#query = query === '' ? none : parse(query);
    this.#form = body && isForm(contentType) ? parse(body.toString()) : none;
  }

  /** Whatever the value: `sync=false` means sync. */
  has(name: string): boolean {
    return this.#query[name] !== undefined || this.#form[name] !== undefined;
  }

  /** The first value; undefined if absent. */
  first(name: string): string | undefined {
    return this.all(name)[0];
  }

  all(name: string): readonly string[] {
    const form = this.#form[name];
    const query = this.#query[name];
    if (form === undefined) return list(query);
    return [...list(form), ...list(query)];
  }

  /** @throws GatewayError `group-count`, `group-empty` */
  group(): string {
    const groups = this.all('group');
    if (groups.length !== 1) throw fail('group-count', groups.length);
    if (groups[0] === '') throw fail('group-empty');
    return groups[0]!;
  }

  /** @param bits of the signed integer. @throws GatewayError `request-invalid` with Go's text, `ack-numbers` if negative */
  whole(name: string, bits: 32 | 64): number {
    const text = this.first(name) ?? '';
    const problem = goIntegerProblem(text, bits);
    if (problem)
      throw fail(
        'request-invalid',
        `bad ${name}: [${text}]: strconv.ParseInt: parsing ${JSON.stringify(text)}: ${problem}`,
      );
    if (text.startsWith('-') && Number(text) !== 0) throw fail('ack-numbers', `bad ${name}: ${Number(text)}`);
    return Number(text);
  }
}

const list = (values: string | readonly string[] | undefined): readonly string[] =>
  values === undefined ? [] : typeof values === 'string' ? [values] : values;

function goIntegerProblem(text: string, bits: 32 | 64): string | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return 'invalid syntax';
  const value = BigInt(text.replace('+', ''));
  return value === BigInt.asIntN(bits, value) ? undefined : 'value out of range';
}
