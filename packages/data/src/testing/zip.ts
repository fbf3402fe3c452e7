import { deflateRawSync } from 'node:zlib';
import { crc32 } from '../crc32.ts';

// Zip archives for tests and the fuzzer, good and bad.

export interface ZipRecord {
  /** Its bytes, or its text in UTF-8. */
  name: string | Buffer;
  data: Buffer;
  /** Not deflated. */
  stored?: boolean;
  /** The unpacked size that the archive claims. */
  claimed?: number;
  /** General purpose bits: 1 encrypted, 0x800 a name in UTF-8. */
  flags?: number;
  /** The way it claims to be packed (8: deflated, 0: stored; as it is, unless told). */
  method?: number;
  /** Made on Unix, with this mode. */
  mode?: number;
}

/** A zip archive. */
export function zipOf(records: readonly ZipRecord[]): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name: text, data, stored = false, claimed = data.length, flags = 0, method = stored ? 0 : 8, mode } of records) {
    const name = typeof text === 'string' ? Buffer.from(text) : text;
    const packed = stored ? data : deflateRawSync(data);
    const common = Buffer.alloc(26); // version, flags, method, time, date, checksum, sizes, lengths of name and extra field
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claimed, 18);
    common.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(mode === undefined ? 0 : (mode << 16) >>> 0, 6);
    place.writeUInt32LE(offset, 10);
    central.push(Buffer.from(`PK\x01\x02\x14${mode === undefined ? '\x00' : '\x03'}`, 'latin1'), common, place, name);
    const record = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, packed]);
    parts.push(record);
    offset += record.length;
  }
  const list = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(records.length, 4);
  end.writeUInt16LE(records.length, 6);
  end.writeUInt32LE(list.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, list, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

/** A zip archive of stored records. */
export const storedZip = (records: readonly (readonly [name: string, data: Uint8Array])[]): Buffer =>
  zipOf(records.map(([name, data]) => ({ name, data: Buffer.from(data), stored: true })));
