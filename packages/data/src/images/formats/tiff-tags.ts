/** Numbers that the first image of a TIFF carries, by their tags: what the decoder does not tell. */
const TIFF_TAGS = { compression: 259, photometric: 262 } as const;

const [SHORT, LONG] = [3, 4];

/** The first value of those of the tags that are there; nothing of what is no plain TIFF. */
function tiffTags(bytes: Uint8Array): Partial<Record<keyof typeof TIFF_TAGS, number>> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  const found: Partial<Record<keyof typeof TIFF_TAGS, number>> = {};
  if (bytes.length < 8 || bytes[0] !== bytes[1] || ![0x49, 0x4d].includes(bytes[0]!) || view.getUint16(2, little) !== 42) return found;
  const directory = view.getUint32(4, little);
  if (directory + 2 > bytes.length) return found;
  const count = view.getUint16(directory, little);
  for (let i = 0, at = directory + 2; i < count && at + 12 <= bytes.length; i++, at += 12) {
    const [tag, type] = [view.getUint16(at, little), view.getUint16(at + 2, little)];
    const name = Object.entries(TIFF_TAGS).find(([, number]) => number === tag)?.[0] as keyof typeof TIFF_TAGS | undefined;
    if (name !== undefined && type === SHORT) found[name] = view.getUint16(at + 8, little);
    if (name !== undefined && type === LONG) found[name] = view.getUint32(at + 8, little);
  }
  return found;
}

/** Ways to pack that are read: none, CCITT's, LZW, JPEG, deflate, PackBits; and names of others that are met. */
const COMPRESSIONS = [1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946];
const OTHER_COMPRESSIONS: Readonly<Record<number, string>> = {
  34712: 'JPEG 2000',
  34887: 'LERC',
  34925: 'LZMA',
  50000: 'Zstandard',
  50001: 'WebP',
  50002: 'JPEG XL',
};
/** Those of them that are JPEG's, whose decoder makes RGB of YCbCr. */
const JPEG = [6, 7];

/** Samples that are neither grey, RGB, of a palette nor CMYK. */
const YCBCR = 6;
const OTHER_SAMPLES: Readonly<Record<number, string>> = {
  8: 'CIELab',
  9: 'ICCLab',
  10: 'ITULab',
  32803: 'raw',
  32844: 'LogL',
  32845: 'LogLuv',
  34892: 'raw',
};

/** Why a TIFF is not read, for behind its name; null for one that is, and for what is no plain TIFF. */
export function refusalOfTiff(bytes: Uint8Array): string | null {
  const { photometric = 1, compression = 1 } = tiffTags(bytes);
  if (!COMPRESSIONS.includes(compression))
    return `is a TIFF packed by ${OTHER_COMPRESSIONS[compression] ?? `method ${compression}`}, which is not read; save it with LZW or deflate`;
  if (photometric === YCBCR && !JPEG.includes(compression)) return 'is a TIFF of YCbCr samples that are not packed as JPEG; save it as RGB';
  const samples = OTHER_SAMPLES[photometric];
  return samples === undefined ? null : `is a TIFF of ${samples} samples, which have no agreed way to 8-bit RGB; save it as RGB`;
}
