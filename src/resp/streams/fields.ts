// An entry's fields as a Kafka record and back: one field is the value, `key` the record's key, the others headers in order.
import type { Header, Message } from '../../core/ports.js';
import type { RecordParts } from '../../core/streams/record-parts.js';

/**
 * Marks the value's position among the fields; its value is the field's name, or null if there was no such field.
 * Absent: the field is called `value` and comes first.
 */
const valueMark = '_f';
/** Marks the position of `key`; absent: right behind a value that comes first, or first without a value. */
const keyMark = '_k';
/** In records with a value mark: a name that cannot be a header key, in base64url. */
const encodedMark = '_b:';
const valueName = Buffer.from('value');
const keyName = Buffer.from('key');
const empty = Buffer.alloc(0);
const noHeaders: readonly Header[] = [];
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param fields names and values alternating. @param valueFields names by preference. */
export function fieldsToRecord(fields: readonly Buffer[], valueFields: readonly string[]): RecordParts {
  if (fields.length === 2) return singleField(fields[0]!, fields[1]!);
  const names = headerNames(fields);
  const valueAt = findValue(names, valueFields);
  const keyAt = names.findIndex((name, at) => name === 'key' && at !== valueAt);
  const plain = valueAt === 0 && names[0] === 'value' && !names.some((name) => name.startsWith(encodedMark));
  const headers: Header[] = plain ? [] : valueAt < 0 ? [{ key: valueMark, value: null }] : [];
  names.forEach((name, at) => {
    if (at === valueAt) {
      if (!plain) headers.push({ key: valueMark, value: fields[2 * at]! });
    } else if (at === keyAt) {
      if (valueAt > 0 || at !== valueAt + 1) headers.push({ key: keyMark, value: null });
    } else headers.push({ key: name, value: fields[2 * at + 1]! });
  });
  return {
    key: keyAt < 0 ? null : fields[2 * keyAt + 1]!,
    value: valueAt < 0 ? empty : fields[2 * valueAt + 1]!,
    headers,
    hasValue: valueAt >= 0,
  };
}

function singleField(name: Buffer, value: Buffer): RecordParts {
  const headers = name.equals(valueName) ? noHeaders : [{ key: valueMark, value: name }];
  return { key: null, value, headers, hasValue: true };
}

/** The fields' names as header keys; impossible ones are encoded. */
function headerNames(fields: readonly Buffer[]): string[] {
  const names: string[] = [];
  for (let at = 0; at < fields.length; at += 2) names.push(headerName(fields[at]!));
  return names;
}

function headerName(bytes: Buffer): string {
  const text = decodeText(bytes);
  if (text !== undefined && text !== '__proto__' && !/^(?:_[fk]$|_b:)/.test(text) && !text.includes('\0')) return text;
  return encodedMark + bytes.toString('base64url');
}

function decodeText(bytes: Buffer): string | undefined {
  try {
    return textDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function findValue(names: readonly string[], valueFields: readonly string[]): number {
  for (const wanted of valueFields) {
    const at = names.indexOf(wanted);
    if (at >= 0) return at;
  }
  return -1;
}

/** Names and values alternating. A record of another producer shows as `value` (none for a tombstone), `key` and its headers. */
export function recordToFields({ key, value, headers }: Pick<Message, 'key' | 'value' | 'headers'>): Buffer[] {
  if (headers.length === 0) {
    if (value === null) return key === null ? [] : [keyName, key];
    return key === null ? [valueName, value] : [valueName, value, keyName, key];
  }
  const marked = headers.some((header) => header.key === valueMark);
  const keyMarked = key !== null && headers.some((header) => header.key === keyMark);
  const fields: Buffer[] = [];
  if (!marked && value !== null) fields.push(valueName, value);
  let keyDue = key !== null && !keyMarked;
  const first = headers[0]!;
  // A value that comes first stays before the key.
  if (keyDue && !(first.key === valueMark && first.value !== null)) {
    fields.push(keyName, key!);
    keyDue = false;
  }
  for (const header of headers) {
    if (header.key === valueMark && marked) {
      if (header.value !== null) fields.push(header.value, value ?? empty);
      if (keyDue) fields.push(keyName, key!);
      keyDue = false;
    } else if (header.key === keyMark && keyMarked) fields.push(keyName, key!);
    else fields.push(fieldName(header.key, marked), header.value ?? empty);
  }
  return fields;
}

function fieldName(header: string, marked: boolean): Buffer {
  if (marked && header.startsWith(encodedMark)) return Buffer.from(header.slice(encodedMark.length), 'base64url');
  return Buffer.from(header);
}
