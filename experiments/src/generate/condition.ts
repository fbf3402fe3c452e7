import sharp from 'sharp';
import { canny } from '@controllab/data';
import type { HostTensor } from '@controllab/tfjs-onnx';
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
 * A condition image [1, 3, H, W] in [0, 1], stretched to the size asked for where it has another; transparency is black.
 * @throws ExperimentError invalid-image
 */
export async function loadCondition(
  file: string,
  extractor: Extractor,
  { width, height }: { width: number; height: number },
): Promise<HostTensor> {
  const rgb8 = await reading(
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
  const pixels = width * height;
  const data = new Float32Array(3 * pixels);
  const edges = extractor === 'canny' ? canny(rgb8, width, height) : null;
  for (let c = 0; c < 3; c++) for (let p = 0; p < pixels; p++) data[c * pixels + p] = (edges ? edges[p]! : rgb8[3 * p + c]!) / 255;
  return { data, shape: [1, 3, height, width] };
}
