// A message as the console shows it: masked, cut to a bound, decoded where it is BMP.
import type { Message } from '../../../core/ports.js';
import { fail } from '../../../errors.js';
import type { ConsoleHost } from '../host.js';
import { masker } from '../masking.js';

/** Bytes of a value that are sent. */
const mostBytes = 64 * 1024;
/** Lines of a decoded value. */
const mostLines = 500;

/** @throws GatewayError `payloads-off` */
export function checkPayloads({ settings }: ConsoleHost): void {
  if (!settings.showPayloads) throw fail('payloads-off');
}

/** @returns a function that makes a message's view; without payloads where they are not shown. */
export function messageView({ settings, decode }: ConsoleHost): (message: Message) => object {
  const mask = masker(settings.maskFields);
  const names = new Set(settings.maskFields.map((field) => field.toLowerCase()));
  return ({ partition, offset, timestamp, key, value, headers }) => {
    const place = { partition, offset, timestamp: timestamp < 0 ? null : timestamp, size: value?.length ?? null };
    if (!settings.showPayloads) return { ...place, isHidden: true };
    const { value: shown, isMasked } = value ? mask(value) : { value: null, isMasked: false };
    return {
      ...place,
      key: bytes(key),
      value: bytes(shown),
      isMasked,
      decoded: value && !isMasked ? (decode(value)?.slice(0, mostLines) ?? null) : null,
      headers: headers.map((header) => ({
        key: header.key,
        value: names.has(header.key.toLowerCase()) ? bytes(Buffer.from('*****')) : bytes(header.value),
      })),
    };
  };
}

/** Base64: any bytes survive JSON. */
const bytes = (value: Buffer | null): { base64: string; isCut: boolean } | null =>
  value && { base64: value.toString('base64', 0, mostBytes), isCut: value.length > mostBytes };

/** Whether a text occurs in key, value or headers; upper and lower case count as one. */
export function finder(text: string, parts: ReadonlySet<string>): (message: Message) => boolean {
  const wanted = text.toLowerCase();
  const has = (value: Buffer | null): boolean => value?.toString().toLowerCase().includes(wanted) ?? false;
  return ({ key, value, headers }) =>
    (parts.has('value') && has(value)) ||
    (parts.has('key') && has(key)) ||
    (parts.has('headers') && headers.some((header) => header.key.toLowerCase().includes(wanted) || has(header.value)));
}
