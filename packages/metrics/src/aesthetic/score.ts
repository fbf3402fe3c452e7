import type { Estimate } from '@controllab/report';
import { MetricsError } from '../errors.ts';
import { checkFeatures, type Features } from '../features/feature-vectors.ts';
import { meanOfImages } from '../mean-of-images.ts';
import type { AestheticHead } from './head.ts';

export interface AestheticScore {
  /** With the backbone: `LAION aesthetic v2 (ViT-L/14)`. */
  name: string;
  /** Over the images, with its interval. */
  mean: Estimate;
  perImage: Float64Array;
}

/**
 * Aesthetic scores of images, from about 1 to 10 by LAION's predictors.
 * @param images embeddings [N, D] by the CLIP that the predictor was trained on (ViT-L/14 for LAION's), of any length
 * @param backbone that CLIP's name, for the score's
 * @throws MetricsError invalid-shape when the embeddings have another dimension; not-finite, also for a row of zeros
 */
export function aestheticScore(head: AestheticHead, images: Features, backbone: string): AestheticScore {
  const name = `${head.name} (${backbone})`;
  const { n, d } = checkFeatures(name, images);
  checkDimension(head, d, backbone);
  const perImage = Float64Array.from({ length: n }, (_, row) => {
    const embedding = images.data.subarray(row * d, (row + 1) * d);
    const length = Math.hypot(...embedding);
    if (length === 0) throw new MetricsError('not-finite', `${name}: embedding ${row} is all zeros and has no direction`, { row });
    return affine(head, embedding, 1 / length);
  });
  return { name, mean: meanOfImages(perImage), perImage };
}

/** @throws MetricsError invalid-shape for embeddings of a dimension that the predictor does not take */
export function checkDimension({ name, weight }: AestheticHead, dimension: number, backbone: string): void {
  if (dimension !== weight.length)
    throw new MetricsError(
      'invalid-shape',
      `${name} (${backbone}): the predictor takes embeddings of ${weight.length} dimensions, got ${dimension}`,
      { expected: weight.length, got: dimension },
    );
}

/** weight x scale + bias in float64. */
export function affine({ weight, bias }: AestheticHead, x: ArrayLike<number>, scale = 1): number {
  let sum = 0;
  for (let i = 0; i < weight.length; i++) sum += weight[i]! * x[i]!;
  return sum * scale + bias;
}
