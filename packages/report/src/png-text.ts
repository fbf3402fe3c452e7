import { ReportError } from './report-error.ts';

/** Signature and IHDR chunk: what must come first in a PNG file. */
const HEAD = 8 + 25;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = CRC_TABLE[(c ^ byte) & 0xff]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), 4 + body.length);
  return whole;
}

/**
 * The PNG file with texts in its metadata, as iTXt chunks (PNG specification, 11.3.4.5: uncompressed UTF-8): what an image was made with stays in it,
 * where image viewers and `PIL.Image.info` find it.
 * @throws ReportError `invalid-text` for a keyword that PNG cannot hold (1 to 79 printable Latin-1 characters)
 */
export function withPngText(png: Buffer, text: Readonly<Record<string, string>>): Buffer {
  const chunks = Object.entries(text).map(([keyword, value]) => {
    if (!/^[\x21-\x7e](?:[\x20-\x7e]{0,77}[\x21-\x7e])?$/.test(keyword)) throw new ReportError('invalid-text', `expected a PNG keyword of 1 to 79 printable characters, got "${keyword}"`, { keyword });
    return chunk('iTXt', Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1'), Buffer.from(value, 'utf8')]));
  });
  return Buffer.concat([png.subarray(0, HEAD), ...chunks, png.subarray(HEAD)]);
}

/** The texts that {@link withPngText} wrote, by keyword. */
export function readPngText(png: Buffer): Record<string, string> {
  const text: Record<string, string> = {};
  for (let at = 8; at + 12 <= png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) !== 'iTXt') continue;
    const data = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    const end = data.indexOf(0);
    text[data.toString('latin1', 0, end)] = data.toString('utf8', end + 5);
  }
  return text;
}
