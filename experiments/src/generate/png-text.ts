/** Signature and IHDR chunk, in front of which nothing may stand. */
const HEADER_BYTES = 8 + 25;

/** CRC-32 of PNG and zlib; Node has one of its own only from 20.15 on. */
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});
function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = TABLE[(c ^ byte) & 0xff]! ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function chunk(type: 'tEXt' | 'iTXt', data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A keyword with a text: ASCII as tEXt, which every reader shows; the rest, of which some take Latin-1 for UTF-8, as uncompressed iTXt in UTF-8. */
function textChunk(keyword: string, text: string): Buffer {
  const ascii = /^[\n\x20-\x7e]*$/.test(text);
  return ascii ? chunk('tEXt', Buffer.from(`${keyword}\0${text}`, 'latin1')) : chunk('iTXt', Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1'), Buffer.from(text, 'utf8')]));
}

/** A PNG with text about it, by keywords of 1 to 79 Latin-1 characters (PNG specification, section 11.3.3). */
export function withText(png: Uint8Array, texts: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat([png.subarray(0, HEADER_BYTES), ...Object.entries(texts).map(([keyword, text]) => textChunk(keyword, text)), png.subarray(HEADER_BYTES)]);
}
