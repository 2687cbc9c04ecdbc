// The ways in which an answer is altered: each error code in each error field, lengths and counts that lie, texts of others, ends that
// come too early, and bytes at random.
import { schemas } from './schemas.js';
import { type Spot, spotsOf } from './spots.js';

export interface Alteration {
  readonly label: string;
  apply(body: Buffer): Buffer;
}

/** 0..1, of a seed. */
export type Random = () => number;

/** The same numbers for the same seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Every code that Kafka knows, and some that nobody does. */
const errorCodes = [-1, ...Array.from({ length: 134 }, (_, i) => i + 1), 999, 32767, -32768];
const randoms = 40;
const apiVersions = 18;
/** Of one request in an ApiVersions answer: api key, versions, tags, bytes. They stand behind the error code and their count. */
const versionBytes = 7;
const versionsAt = 3;

/** All alterations of an answer to the question with this api key. @throws UnknownAnswer when its fields are not known */
export function alterationsOf(api: number, body: Buffer, random: Random): Alteration[] {
  const schema = schemas.get(api);
  const spots = schema ? spotsOf(schema, body) : [];
  return [
    { label: 'nothing at all', apply: () => Buffer.alloc(0) },
    ...(api === apiVersions ? withoutEach(body) : []),
    ...spots.flatMap((spot, index) => ofSpot(spot, index, random)),
    ...Array.from({ length: randoms }, (_, index) => atRandom(index, Math.floor(random() * 2 ** 32))),
  ];
}

/** An ApiVersions answer of a broker that does not know one request. */
export function withoutApi(body: Buffer, api: number): Buffer {
  const place = placesOf(body).find((at) => body.readInt16BE(at) === api);
  if (place === undefined) return body;
  const shorter = Buffer.concat([body.subarray(0, place), body.subarray(place + versionBytes)]);
  shorter[versionsAt - 1]! -= 1;
  return shorter;
}

const placesOf = (body: Buffer): number[] =>
  Array.from({ length: body[versionsAt - 1]! - 1 }, (_, index) => versionsAt + index * versionBytes);

const withoutEach = (body: Buffer): Alteration[] =>
  placesOf(body).map((at) => {
    const api = body.readInt16BE(at);
    return { label: `without api ${api}`, apply: (answer: Buffer) => withoutApi(answer, api) };
  });

function ofSpot(spot: Spot, index: number, random: Random): Alteration[] {
  const { at, size, content, kind } = spot;
  const replaced = (what: string, value: Buffer, over = size): Alteration => ({
    label: `${kind} ${index} at ${at}: ${what}`,
    apply: (body) => Buffer.concat([body.subarray(0, at), value, body.subarray(at + over)]),
  });
  const cut: Alteration = { label: `cut before ${kind} ${index} at ${at}`, apply: (body) => body.subarray(0, at) };
  if (kind === 'error') return [cut, ...errorCodes.map((code) => replaced(`code ${code}`, int(code, 2)))];
  if (kind === 'null') return [cut, replaced('null', int(-1, 1), size)];
  if (kind === 'number') {
    const values = [0, -1, 1, 2 ** 31 - 1, -(2 ** 31)].map((value) => replaced(String(value), int(value, size)));
    return [cut, ...values, replaced('random', bytesOf(size, random))];
  }
  const lengths = [-1, 0, 1, 2, 5, 255, 32767, 1_000_000, 2 ** 31 - 2].map((value) =>
    replaced(`length ${value}`, length(value, spot)),
  );
  if (kind === 'array') return [cut, ...lengths];
  return [
    cut,
    ...lengths,
    replaced('null', length(-1, spot), size + content),
    replaced('empty', length(0, spot), size + content),
    replaced('of another', Buffer.concat([length(5, spot), Buffer.from('other')]), size + content),
    replaced('with NUL', Buffer.concat([length(3, spot), Buffer.from('a\0b')]), size + content),
    replaced('not UTF-8', Buffer.concat([length(content, spot), bytesOf(content, random)]), size + content),
  ];
}

/** One of: some bytes replaced, a random end, all of it random. */
function atRandom(index: number, seed: number): Alteration {
  const label = `random ${index} of ${seed}`;
  return {
    label,
    apply: (body) => {
      const random = randomOf(seed);
      const kind = random();
      if (kind < 0.1) return bytesOf(Math.floor(random() * 300), random);
      if (kind < 0.2) return body.subarray(0, Math.floor(random() * body.length));
      if (kind < 0.3) return Buffer.concat([body, bytesOf(Math.floor(random() * 50), random)]);
      const altered = Buffer.from(body);
      for (let left = 1 + Math.floor(random() * 4); left > 0; left--)
        altered[Math.floor(random() * altered.length)] = Math.floor(random() * 256);
      return altered;
    },
  };
}

function int(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size, value < 0 ? 0xff : 0);
  const low = Math.min(size, 4);
  bytes.writeUIntBE(Number(BigInt.asUintN(low * 8, BigInt(value))), size - low, low);
  return bytes;
}

/** A length as its field has it: compact, or of fixed size. */
function length(value: number, { flexible, size }: Spot): Buffer {
  if (!flexible) return int(value, size);
  const bytes: number[] = [];
  let left = value + 1;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  return Buffer.from([...bytes, left]);
}

const bytesOf = (size: number, random: Random): Buffer =>
  Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)));
