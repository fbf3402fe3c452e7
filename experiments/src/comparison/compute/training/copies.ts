import { conditionBatch, type Dataset, type RgbImage } from '@controllab/data';
import { seenExamples, type Recipe } from '@controllab/training';
import type { ConditionId } from '../../conditions.ts';
import { spread } from '../drawing/evaluation-set.ts';

/** A picture is a copy where its nearest training picture is below this share of the second nearest's distance (arXiv 2505.16959). */
export const COPY_BELOW = 1 / 3;

/** Pixels whose mean is one value of what is compared: neighbours are found in a quarter of the time and are the same. */
const BLOCK = 2;

/** A picture's means over blocks of pixels, channel by channel. */
export function reduced({ rgb, width, height }: RgbImage): Float32Array {
  const [w, h] = [Math.floor(width / BLOCK), Math.floor(height / BLOCK)];
  const out = new Float32Array(w * h * 3);
  for (let y = 0; y < h * BLOCK; y++)
    for (let x = 0; x < w * BLOCK; x++)
      for (let c = 0; c < 3; c++)
        out[(Math.floor(y / BLOCK) * w + Math.floor(x / BLOCK)) * 3 + c]! += rgb[(y * width + x) * 3 + c]! / BLOCK ** 2;
  return out;
}

/**
 * Distance of each picture to its nearest training picture over that to the second nearest, Euclidean: 0 is a copy, 1 is as near to two.
 * Where both are the picture itself it is no more of the one than of the other: 1. @param pool at least two
 */
export function nearestRatios(pictures: readonly Float32Array[], pool: readonly Float32Array[]): number[] {
  return pictures.map((picture) => {
    let [first, second] = [Infinity, Infinity];
    for (const other of pool) {
      let sum = 0;
      for (let i = 0; i < picture.length && sum < second; i++) sum += (picture[i]! - other[i]!) ** 2;
      if (sum < first) [first, second] = [sum, first];
      else if (sum < second) second = sum;
    }
    return second === 0 ? 1 : Math.sqrt(first / second);
  });
}

/** Training conditions, and everything that the training sees: what its pictures could be copies of. */
export interface OpenCopies {
  /** Of some scenes that it sees, evenly spread over them. */
  readonly condition: ReturnType<typeof conditionBatch>;
  /** See {@link nearestRatios}. */
  of(pictures: readonly RgbImage[]): number[];
}

export async function openCopies(
  dataset: Dataset,
  { recipe, seed, condition, count }: { recipe: Recipe; seed: number; condition: ConditionId; count: number },
): Promise<OpenCopies> {
  const seen = seenExamples(recipe, seed);
  const pool: Float32Array[] = [];
  for (const index of seen) pool.push(reduced((await dataset.example(index)).image));
  // A batch has its size even where fewer scenes are seen.
  const shown = spread(seen, count);
  const examples = await Promise.all(Array.from({ length: count }, (_, i) => dataset.example(shown[i % shown.length]!)));
  return {
    condition: conditionBatch(examples.map((example) => example.condition(condition))),
    of: (pictures) => nearestRatios(pictures.map(reduced), pool),
  };
}
