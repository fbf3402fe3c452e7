import { crc32 } from '@controllab/data';
import { ReportError } from '../model/report-error.ts';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
/** Signature and IHDR chunk: what must come first in a PNG file. */
const HEAD = 8 + 25;

/** A chunk of a PNG file: length, type, data, checksum (PNG specification, section 5.3). */
export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), 4 + body.length);
  return whole;
}

/** ASCII as tEXt, which every reader shows; the rest, of which some take Latin-1 for UTF-8, as uncompressed iTXt in UTF-8. */
function textChunk(keyword: string, text: string): Buffer {
  const ascii = /^[\n\x20-\x7e]*$/.test(text);
  return ascii
    ? pngChunk('tEXt', Buffer.from(`${keyword}\0${text}`, 'latin1'))
    : pngChunk('iTXt', Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1'), Buffer.from(text, 'utf8')]));
}

/**
 * The PNG file with texts in its metadata (PNG specification, section 11.3.3): what an image was made with stays in it, where image viewers
 * and `PIL.Image.info` find it.
 * @throws ReportError `invalid-text` for a keyword that PNG cannot hold (1 to 79 printable Latin-1 characters)
 */
export function withPngText(png: Buffer, text: Readonly<Record<string, string>>): Buffer {
  const chunks = Object.entries(text).map(([keyword, value]) => {
    if (!/^[\x21-\x7e](?:[\x20-\x7e]{0,77}[\x21-\x7e])?$/.test(keyword))
      throw new ReportError('invalid-text', `expected a PNG keyword of 1 to 79 printable characters, got "${keyword}"`, { keyword });
    return textChunk(keyword, value);
  });
  return Buffer.concat([png.subarray(0, HEAD), ...chunks, png.subarray(HEAD)]);
}

/** The texts that {@link withPngText} wrote, by keyword. @throws ReportError `invalid-png` for a file that is damaged or cut short */
export function readPngText(png: Buffer): Record<string, string> {
  const fail = (what: string, at: number): never => {
    throw new ReportError('invalid-png', `the PNG file is damaged or cut short: ${what} at byte ${at}`, { at });
  };
  // Without a prototype: a keyword may be anything.
  const text = Object.create(null) as Record<string, string>;
  if (!png.subarray(0, SIGNATURE.length).equals(SIGNATURE)) fail('no signature', 0);
  for (let at = SIGNATURE.length; ;) {
    const length = at + 12 <= png.length ? png.readUInt32BE(at) : Infinity;
    if (at + 12 + length > png.length) return fail('no whole chunk', at);
    const type = png.toString('latin1', at + 4, at + 8);
    if (crc32(png.subarray(at + 4, at + 8 + length)) !== png.readUInt32BE(at + 8 + length))
      fail(`a wrong checksum of the chunk ${type}`, at);
    const data = png.subarray(at + 8, at + 8 + length);
    const end = data.indexOf(0);
    if (type === 'tEXt' && end > 0) text[data.toString('latin1', 0, end)] = data.toString('latin1', end + 1);
    if (type === 'iTXt' && end > 0) text[data.toString('latin1', 0, end)] = data.toString('utf8', end + 5);
    if (type === 'IEND') return { ...text };
    at += 12 + length;
  }
}
