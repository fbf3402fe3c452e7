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

/** An uncompressed TIFF of one strip. `photometric`: 1 grey, 2 RGB, 5 CMYK. */
export function tiffOf(
  width: number,
  height: number,
  samples: Uint8Array,
  { photometric, bits = 8, float = false }: { photometric: 1 | 2 | 5; bits?: number; float?: boolean },
): Buffer {
  const channels = { 1: 1, 2: 3, 5: 4 }[photometric];
  const tags = [
    [256, width],
    [257, height],
    [258, bits],
    [259, 1],
    [262, photometric],
    [273, 0],
    [277, channels],
    [278, height],
    [279, samples.length],
    [339, float ? 3 : 1],
  ] as const;
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
