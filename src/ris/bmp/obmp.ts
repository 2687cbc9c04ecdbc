// The OpenBMP 1.7 binary header of a BMP message, as RouteViews' and OpenBMP's topics carry it.
import { createHash } from 'node:crypto';
import { ByteWriter } from '../bgp/bytes.js';

const magic = Buffer.from('OBMP');
/** Bytes before the admin id and after it, without the group. */
const fixedLength = 78;
const flagRouterMessage = 0x80;
const typeBmpRaw = 12;

/** Makes the wrapper of one collector; admin id and group are its name, as RouteViews does. The router's address is unknown and 0. */
export function obmpWrapper(collector: string): (bmp: Buffer, seconds: number, micros: number) => Buffer {
  const name = Buffer.from(collector);
  const hash = createHash('md5').update(name).digest();
  const headerLength = fixedLength + name.length * 2;
  return (bmp, seconds, micros) => {
    const out = new ByteWriter(headerLength + bmp.length).bytes(magic).u8(1).u8(7).u16(headerLength).u32(bmp.length);
    out.u8(flagRouterMessage).u8(typeBmpRaw).u32(seconds).u32(micros);
    out.bytes(hash).u16(name.length).bytes(name);
    out.bytes(hash).zeros(16).u16(name.length).bytes(name).u32(1);
    return out.bytes(bmp).take();
  };
}

/** The BMP message of a record's value, bare or wrapped; null if the header is truncated. */
export function unwrapObmp(value: Buffer): Buffer | null {
  if (value.length < 8 || !value.subarray(0, 4).equals(magic)) return value;
  const headerLength = value.readUInt16BE(6);
  return headerLength <= value.length && headerLength >= fixedLength ? value.subarray(headerLength) : null;
}
