import sharp from 'sharp';
import { MetricsError } from '../errors.ts';
import type { Raster } from '../fidelity/check.ts';
import type { ReadMap } from './metric.ts';

type GreyMap = Raster & { readonly data: Uint8Array };

/**
 * The values of a grey map [H, W], of 255.
 * @param tint by how much the channels may differ: a lossy file makes colours of grey
 * @throws MetricsError invalid-shape for a map in colours, whose values stand for nothing
 */
export function greyValues({ name, rgb, width, height }: ReadMap, tint = 0): GreyMap {
  const data = Uint8Array.from({ length: width * height }, (_, i) => rgb[3 * i]!);
  for (let i = 0; i < data.length; i++) {
    if (Math.abs(rgb[3 * i + 1]! - data[i]!) <= tint && Math.abs(rgb[3 * i + 2]! - data[i]!) <= tint) continue;
    throw new MetricsError(
      'invalid-shape',
      `${name}: expected a grey map, got the colour ${[...rgb.subarray(3 * i, 3 * i + 3)].join(', ')} at ${i % width}, ${Math.floor(i / width)}; a map drawn in a palette must be written with its values`,
      { name, index: i },
    );
  }
  return { data, width, height };
}

/**
 * The labels of a grey map [H, W] as its file holds them. Decoders stretch grey of fewer than 8 bits to 255, as brightness: in a PNG this
 * is undone.
 * @throws MetricsError invalid-shape as {@link greyValues}; invalid-file for lossy files, and others whose values do not go to 255
 */
export async function labelValues(map: ReadMap): Promise<GreyMap> {
  const lossy = lossyFormat(Buffer.from(map.bytes.buffer, map.bytes.byteOffset, map.bytes.byteLength));
  if (lossy !== null)
    throw new MetricsError('invalid-file', `${map.name} is ${lossy}: labels must be lossless; save as PNG`, { name: map.name });
  const values = greyValues(map);
  const largest = await largestStored(map);
  return { ...values, data: values.data.map((value) => (value * largest) / 255) };
}

/** What makes other labels of those that were saved, by its name. An AVIF is taken for one: none without loss is told apart cheaply. */
function lossyFormat(file: Buffer): string | null {
  const head = file.toString('latin1', 0, 12);
  if (head.startsWith('\xff\xd8\xff')) return 'a JPEG';
  if (/^[^]{4}ftyp/.test(head)) return 'an AVIF';
  if (!/^RIFF[^]{4}WEBP$/.test(head)) return null;
  // The pixels' chunk comes first, or behind those of an extended file; a frame's header is gone into.
  for (let at = 12; at + 8 <= file.length;) {
    const type = file.toString('latin1', at, at + 4);
    if (type === 'VP8L') return null;
    if (type === 'VP8 ') return 'a lossy WebP';
    const size = file.readUInt32LE(at + 4);
    at += type === 'ANMF' ? 24 : 8 + size + (size % 2);
  }
  return null;
}

/** The largest value that a pixel of the file can have. */
async function largestStored({ name, bytes }: ReadMap): Promise<number> {
  const head = Buffer.from(bytes.subarray(0, 512)).toString('latin1');
  const refuse = (what: string): never => {
    throw new MetricsError('invalid-file', `${name}: a label map in ${what} is stretched as it is decoded; write it in 8 bits`, { name });
  };
  if (/^P[14]\s/.test(head)) refuse('a bitmap');
  const [, range] = /^P[2356](?:(?:\s|#[^\n]*\n)+(\d+)){3}/.exec(head) ?? [];
  if (range !== undefined && range !== '255') refuse(`values of 0 to ${range}`);
  if (!/^(\x89PNG|II|MM)/.test(head)) return 255;
  const { format, isPalette, bitsPerSample: bits = 8 } = await sharp(bytes, { limitInputPixels: false }).metadata();
  if (isPalette === true || bits >= 8) return 255;
  return format === 'png' ? 2 ** bits - 1 : refuse(`${bits} bit${bits === 1 ? '' : 's'}`);
}
