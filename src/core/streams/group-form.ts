// GroupForm: the Kafka group of a stream's consumer group, and back. Redis' groups are a stream's own, so the stream is part of the name.
import { checkGroupName, isLegalGroupName } from '../group-name.js';

const placeholder = /\{(?:group|rawGroup|stream)\}/g;

/** What may stand between the two names so that the end of the first is recognizable: neither a letter nor a digit, nor the escape itself. */
const separators = /[^A-Za-z0-9%]/g;

/**
 * Reads a template such as `{group}.{stream}`. In a group that stands beside the stream, the characters that separate the two, and `%`,
 * are written as `%2E`: so no two groups of two streams are one Kafka group. `{rawGroup}` escapes nothing.
 */
export class GroupForm {
  /** Group `a.b` of stream `c` and group `a` of stream `b.c` are the same Kafka group: a name alone says nothing about rights. */
  readonly isRaw: boolean;
  readonly #groupFirst: boolean;
  readonly #before: string;
  readonly #between: string;
  readonly #after: string;
  readonly #hasStream: boolean;
  /** Finds what has to be escaped; undefined: nothing. */
  readonly #special: RegExp | undefined;

  /** @param template checked with {@link groupFormFault}. */
  constructor(template: string) {
    const [first = '{group}', second] = template.match(placeholder) ?? [];
    const [before = '', between = '', after = ''] = template.split(placeholder);
    this.isRaw = template.includes('{rawGroup}');
    this.#groupFirst = first !== '{stream}';
    this.#hasStream = second !== undefined;
    this.#before = before;
    this.#between = this.#hasStream ? between : '';
    this.#after = this.#hasStream ? after : between;
    if (this.#hasStream && !this.isRaw) this.#special = new RegExp(`[${charClass(between)}%]`);
  }

  /** @throws GatewayError `group-invalid` for a name that no group can have. */
  kafkaGroup(group: string, stream: string): string {
    checkGroupName(group);
    const made = this.#write(group, stream);
    checkGroupName(made);
    return made;
  }

  /** The consumer group of this stream that a Kafka group is; undefined: it is none, or another stream's. */
  groupOf(kafkaGroup: string, stream: string): string | undefined {
    const [start, end] = this.#groupFirst
      ? [this.#before, `${this.#between}${this.#hasStream ? stream : ''}${this.#after}`]
      : [`${this.#before}${stream}${this.#between}`, this.#after];
    if (kafkaGroup.length <= start.length + end.length) return undefined;
    if (!kafkaGroup.startsWith(start) || !kafkaGroup.endsWith(end)) return undefined;
    const written = kafkaGroup.slice(start.length, kafkaGroup.length - end.length);
    const group = this.#special ? unescaped(written) : written;
    return isLegalGroupName(group) && this.#write(group, stream) === kafkaGroup ? group : undefined;
  }

  #write(group: string, stream: string): string {
    const shown = this.#special?.test(group) ? escaped(group, this.#special) : group;
    if (!this.#hasStream) return `${this.#before}${shown}${this.#after}`;
    const [one, other] = this.#groupFirst ? [shown, stream] : [stream, shown];
    return `${this.#before}${one}${this.#between}${other}${this.#after}`;
  }
}

/** The fault of a template, as shown to its author; undefined: none. */
export function groupFormFault(template: string): string | undefined {
  const places: readonly string[] = template.match(placeholder) ?? [];
  const groups = places.filter((place) => place !== '{stream}').length;
  if (groups !== 1) return 'needs {group} once (or {rawGroup})';
  if (places.length - groups > 1) return 'may name {stream} once';
  const [before = '', between = '', after = ''] = template.split(placeholder);
  if (before + between + after !== '' && !isLegalGroupName(before + between + after))
    return 'holds a character that no group name may have';
  const isAmbiguous = places.length > 1 && !places.includes('{rawGroup}') && !between.match(separators);
  if (isAmbiguous)
    return 'needs a character that is neither letter, digit nor % between {group} and {stream}, such as a dot';
  return undefined;
}

/** The separating characters of a text, for a character class. */
const charClass = (text: string): string =>
  (text.match(separators) ?? []).map((char) => char.replace(/[\\\]^-]/, '\\$&')).join('');

const escaped = (text: string, special: RegExp): string =>
  [...text].map((char) => (special.test(char) ? encoded(char) : char)).join('');

const encoded = (char: string): string =>
  [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
