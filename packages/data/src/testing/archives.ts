import tar from 'tar-stream';

// Archives and pictures for tests, good and bad.

export interface TarFile {
  name: string;
  data?: Buffer | string;
  type?: 'link' | 'symlink';
  linkname?: string;
  /** Attributes in pax' format. */
  pax?: Record<string, string>;
}

/** A tar archive. */
export async function tarOf(files: readonly TarFile[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const { data = '', ...header } of files) pack.entry(header, data);
  pack.finalize();
  const parts: Buffer[] = [];
  for await (const part of pack) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

interface Tiff {
  /** 1 grey, 2 RGB, 5 CMYK, 6 YCbCr, 8 CIELab. */
  photometric: 1 | 2 | 5 | 6 | 8;
  /** What the file says; nothing is packed (1). */
  compression?: number;
  bits?: number;
  float?: boolean;
  /** A channel more. */
  alpha?: boolean;
  /** Further tags behind the others, each with a number. */
  more?: readonly (readonly [tag: number, value: number])[];
}

/** An uncompressed TIFF of one strip. */
export function tiffOf(
  width: number,
  height: number,
  samples: Uint8Array,
  { photometric, bits = 8, float = false, alpha = false, compression = 1, more = [] }: Tiff,
): Buffer {
  const channels = { 1: 1, 2: 3, 5: 4, 6: 3, 8: 3 }[photometric] + (alpha ? 1 : 0);
  const tags = [
    [256, width],
    [257, height],
    [258, bits],
    [259, compression],
    [262, photometric],
    [273, 0],
    [277, channels],
    [278, height],
    [279, samples.length],
    [339, float ? 3 : 1],
    ...more,
  ].toSorted(([a], [b]) => a! - b!) as [number, number][];
  const perChannel = channels > 2 ? [258, 339] : []; // a list of these does not fit into its entry
  const listsAt = 8 + 2 + tags.length * 12 + 4;
  const dataAt = listsAt + perChannel.length * channels * 2;
  const head = Buffer.alloc(dataAt);
  head.write('II*\0', 'latin1');
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(tags.length, 8);
  tags.forEach(([tag, value], i) => {
    const at = 10 + i * 12;
    const list = perChannel.indexOf(tag);
    const long = tag === 273 || tag === 279;
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(long ? 4 : 3, at + 2);
    head.writeUInt32LE(list < 0 ? 1 : channels, at + 4);
    if (list >= 0) {
      head.writeUInt32LE(listsAt + list * channels * 2, at + 8);
      for (let c = 0; c < channels; c++) head.writeUInt16LE(value, listsAt + (list * channels + c) * 2);
    } else if (long) head.writeUInt32LE(tag === 273 ? dataAt : value, at + 8);
    else head.writeUInt16LE(value, at + 8);
  });
  return Buffer.concat([head, samples]);
}
