import { DataError } from '../errors.ts';

/** Width and height in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/**
 * The sizes of aspect ratio bucketing (NovelAI's, as kohya's sd-scripts has it): sides that are multiples of `step`, from half to twice
 * `resolution`, and for each width the height that is largest without more pixels than a square of that resolution has. Narrow ones first.
 * @param step pixels: what one latent stands for times what the U-Net halves it by, 64 for Stable Diffusion
 * @throws DataError invalid-argument where no side is such a multiple
 */
export function aspectBuckets(resolution: number, step: number): PictureSize[] {
  if (!Number.isInteger(step) || step < 1 || step > resolution)
    throw new DataError(
      'invalid-argument',
      `sides of aspect buckets are multiples of a whole number from 1 to the resolution, ${resolution}; got ${step}`,
      {
        resolution,
        step,
      },
    );
  const down = (pixels: number): number => Math.floor(pixels / step) * step;
  const [least, most] = [Math.max(step, Math.ceil(resolution / 2 / step) * step), down(2 * resolution)];
  const square = down(resolution);
  const found = new Map([[square, new Set([square])]]);
  const add = (width: number, height: number): unknown => found.set(width, (found.get(width) ?? new Set()).add(height));
  for (let width = least; width <= most; width += step) {
    const height = Math.min(most, down(resolution ** 2 / width));
    if (height < least) continue;
    add(width, height);
    add(height, width);
  }
  return [...found]
    .flatMap(([width, heights]) => [...heights].map((height) => ({ width, height })))
    .sort((a, b) => a.width / a.height - b.width / b.height || a.width - b.width);
}

/** Of some sizes that whose proportions are nearest to a picture's, by their ratio: tall and wide pictures are treated alike. */
export function nearestBucket({ width, height }: PictureSize, buckets: readonly PictureSize[]): PictureSize {
  const apart = (bucket: PictureSize): number => Math.abs(Math.log((bucket.width * height) / (bucket.height * width)));
  return buckets.reduce((best, bucket) => (apart(bucket) < apart(best) ? bucket : best));
}
