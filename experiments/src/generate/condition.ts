import sharp from 'sharp';
import { canny, type RgbImage } from '@controllab/data';
import { ExperimentError } from '../runner/errors.ts';
import type { Extractor } from './options.ts';

async function reading<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new ExperimentError('invalid-image', `Cannot read the image ${file}: ${(cause as Error).message}`, { file }, { cause });
  }
}

/** Width and height of an image as it is shown. @throws ExperimentError invalid-image */
export async function imageSize(file: string): Promise<{ width: number; height: number }> {
  const { autoOrient } = await reading(file, () => sharp(file).metadata());
  return autoOrient;
}

/**
 * What a control sees of an image: stretched to the size asked for where it has another; transparency is black.
 * @throws ExperimentError invalid-image
 */
export async function loadCondition(
  file: string,
  extractor: Extractor,
  { width, height }: { width: number; height: number },
): Promise<RgbImage> {
  const rgb = await reading(
    file,
    async () =>
      new Uint8Array(
        await sharp(file)
          .autoOrient()
          .flatten({ background: 'black' })
          .toColourspace('srgb')
          .resize(width, height, { fit: 'fill' })
          .raw()
          .toBuffer(),
      ),
  );
  if (extractor === 'none') return { rgb, width, height };
  const edges = canny(rgb, width, height);
  return { rgb: Uint8Array.from(rgb, (_, i) => edges[Math.floor(i / 3)]!), width, height };
}
