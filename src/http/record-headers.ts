// Record headers over HTTP: `X-Kafka-<Name>`, the value in standard Base64.
import type { Header } from '../core/ports.js';
import { fail } from '../errors.js';

const prefix = 'x-kafka-';
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const none: readonly Header[] = Object.freeze([]);

/**
 * @param raw names and values alternating, as received. Repeats and order are kept.
 * @throws GatewayError `request-invalid`
 */
export function recordHeaders(raw: readonly string[]): readonly Header[] {
  let headers: Header[] | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!;
    if (name.length < prefix.length || (name[0] !== 'x' && name[0] !== 'X')) continue;
    if (name.slice(0, prefix.length).toLowerCase() !== prefix) continue;
    const canonical = canonicalName(name);
    const value = raw[index + 1]!;
    if (!base64.test(value)) throw fail('request-invalid', `Invalid base64 encoding for header: ${canonical}`);
    headers ??= [];
    headers.push({ key: canonical.slice(prefix.length), value: Buffer.from(value, 'base64') });
  }
  return headers ?? none;
}

/** As Go's HTTP server rewrites header names: `x-kafka-foo-BAR` is `X-Kafka-Foo-Bar`. */
export function canonicalName(name: string): string {
  if (!token.test(name)) return name;
  return name.toLowerCase().replaceAll(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}
