import { DataError } from '../../errors.ts';
import { those, type OpenedImage } from './opened-image.ts';
import { refusalOfTiff } from './tiff-tags.ts';

const FORMATS = ['jpeg', 'png', 'webp', 'tiff', 'heif'];
/** Sample types by colour space: 16-bit CMYK, Lab and floats have no agreed way to 8-bit RGB. */
const SAMPLES: Record<string, string[]> = { srgb: ['uchar'], 'b-w': ['uchar'], rgb16: ['ushort'], grey16: ['ushort'], cmyk: ['uchar'] };

/**
 * JPEG, PNG, WebP, TIFF and AVIF.
 * @throws Error for what is damaged or no image; DataError unsupported-image for other formats and sample types
 */
export async function openWithSharp(bytes: Uint8Array, name: string): Promise<OpenedImage> {
  // Loaded here: every process and worker imports this package, few of them decode.
  const { default: sharp } = await import('sharp');
  const refuse = (why: string, values: object = {}): never => {
    throw new DataError('unsupported-image', `${name} ${why}`, { file: name, ...values });
  };
  const refusal = refusalOfTiff(bytes);
  if (refusal !== null) refuse(refusal);
  // A profile would change the colours; a benign warning is no damage.
  const image = sharp(bytes, { failOn: 'error', ignoreIcc: true, limitInputPixels: false });
  const found = await image.metadata();
  const { width, height, format, depth, space } = found;
  if (!FORMATS.includes(format)) refuse(`holds ${format}, which is not read as an image`, { format });
  if (!SAMPLES[space]?.includes(depth))
    refuse(`has ${depth} samples in the colour space ${space}; 8- and 16-bit grey and RGB and 8-bit CMYK are read`, { depth, space });
  const cmyk = space === 'cmyk';
  return {
    width,
    height,
    channels: found.channels,
    orientation: found.orientation ?? 1,
    turns: format === 'tiff',
    async decode() {
      if (cmyk) image.pipelineColourspace('cmyk').toColourspace('cmyk');
      const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
      const { channels } = info;
      const conversions = those({
        alpha: found.hasAlpha && isTranslucent(data, channels),
        grey: space === 'b-w' || space === 'grey16',
        cmyk,
        'deep-colour': depth === 'ushort',
        frames: (found.pages ?? 1) > 1 || (format === 'png' && isAnimated(bytes)),
        profile: found.icc !== undefined,
      });
      return { data, channels, conversions };
    },
  };
}

/** Whether any pixel's last channel is below its largest value. */
function isTranslucent(data: Uint8Array, channels: number): boolean {
  for (let i = channels - 1; i < data.length; i += channels) if (data[i]! < 255) return true;
  return false;
}

/** Whether a PNG's chunk that announces frames stands before its pixels. */
function isAnimated(bytes: Uint8Array): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 8 <= file.length; at += 12 + file.readUInt32BE(at)) {
    const type = file.toString('latin1', at + 4, at + 8);
    if (type === 'acTL') return true;
    if (type === 'IDAT') return false;
  }
  return false;
}
