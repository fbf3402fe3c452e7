import { checkSize, type Base } from '@controllab/base-model';
import type { LatentSize } from '@controllab/core-blocks';
import type { Json, PictureSize } from '@controllab/data';
import type { SizedBucket } from '@controllab/training';
import { ExperimentError } from '../runner/errors.ts';
import { encodedPictures, type Workplace } from '../runner/workplace.ts';
import type { TrainData } from './data.ts';

/** Pictures of one size among those that are trained on. */
export interface Bucket {
  readonly size: PictureSize;
  /** Their numbers in the dataset, ascending. */
  readonly indices: readonly number[];
}

/** Pixels that sides must be multiples of: what one latent stands for, times what the U-Net halves it by. */
export function bucketStepOf(base: Base): number {
  const { target } = base.denoiser();
  return base.factor * 2 ** (target.encoder.block_out_channels.length - 1);
}

/** @throws ExperimentError invalid-option for a step that the base does not take */
export function checkBucketStep(base: Base, given: number | undefined): number {
  const own = bucketStepOf(base);
  if (given !== undefined && given % own !== 0)
    throw new ExperimentError(
      'invalid-option',
      `train: ${base.label} takes sides that are multiples of ${own} pixels; --bucket-step is ${given}.`,
      {
        given,
        own,
      },
    );
  return given ?? own;
}

/** The examples that are trained on by the size that they were prepared to, most pictures first; looked at once, and kept in the store. */
export async function storedBuckets(at: Workplace, base: Base, { dataset, examples }: TrainData): Promise<[Bucket, ...Bucket[]]> {
  const identity: Json = { dataset: dataset.hash, examples };
  const { value } = await at.store.cell<Bucket[]>('aspect-buckets', identity, async () => {
    at.say(`sorting ${examples} pictures by their proportions`);
    const found = new Map<string, { size: PictureSize; indices: number[] }>();
    for (let i = 0; i < examples; i++) {
      const { width, height } = (await dataset.example(i)).image;
      const key = `${width} x ${height}`;
      const bucket = found.get(key) ?? { size: { width, height }, indices: [] };
      bucket.indices.push(i);
      found.set(key, bucket);
    }
    return { value: [...found.values()].sort((a, b) => b.indices.length - a.indices.length || a.size.width - b.size.width) };
  });
  for (const { size } of value) checkSize(base, size);
  return value as [Bucket, ...Bucket[]];
}

/** How buckets stand in a sentence: `48 x 80 (31 pictures)`. */
export const bucketText = ({ size: { width, height }, indices }: Bucket): string =>
  `${width} x ${height} (${indices.length} picture${indices.length === 1 ? '' : 's'})`;

export const latentOf = (base: Pick<Base, 'factor'>, { width, height }: PictureSize): LatentSize => ({
  width: width / base.factor,
  height: height / base.factor,
});

/** Buckets as a training takes them: their pictures encoded. With the rows that others stand in for, see `encodedPictures`. */
export async function encodedBuckets(
  at: Workplace,
  base: Base,
  data: TrainData,
  buckets: readonly Bucket[],
): Promise<{ latents: SizedBucket[]; passedOver: string[] }> {
  const latents: SizedBucket[] = [];
  const passedOver: string[] = [];
  for (const { size, indices } of buckets) {
    const encoded = await encodedPictures(at, base, data, indices);
    latents.push({ latents: encoded.file, indices, latent: latentOf(base, size), fixed: base.fixedInputs(size) });
    passedOver.push(...encoded.passedOver);
  }
  return { latents, passedOver };
}

/** The examples of one bucket, as the first ones of data: what is drawn while a network trains. */
export const oneBucket = ({ dataset }: Pick<TrainData, 'dataset'>, { indices }: Bucket): Pick<TrainData, 'dataset' | 'examples'> => ({
  dataset: { ...dataset, length: indices.length, example: (index) => dataset.example(indices[index]!) },
  examples: indices.length,
});
