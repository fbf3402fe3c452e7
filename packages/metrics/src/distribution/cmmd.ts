import { MetricsError } from '../errors.ts';
import { checkPair, toMatrix } from '../features/feature-vectors.ts';
import { keyed, type KeyedFeatures } from '../frechet/near-copies.ts';
import { kernelGraph, squaredDiscrepancy, type KernelDistance, type KeyedRows } from './kernel-sums.ts';

/** Width of the Gaussian kernel, and the factor that makes the values readable: both fixed by the definition. */
const SIGMA = 10;
const SCALE = 1000;

/** exp(-|x - y|^2 / (2 sigma^2)) of unit vectors, |x - y|^2 = 2 - 2 x . y: exp((x . y - 1) / sigma^2). */
const gaussian = kernelGraph([
  { op: 'Div', inputs: ['p', 'p'], output: 'one' },
  { op: 'Sub', inputs: ['g', 'one'], output: 'less' },
  { op: 'Div', inputs: ['less', 'p'], output: 'exponent' },
  { op: 'Exp', inputs: ['exponent'], output: 'k' },
]);

/**
 * CLIP maximum mean discrepancy, times 1000, of image embeddings [N, D], which are scaled to length 1 first. The paper's network is
 * CLIP ViT-L/14 at 336 pixels; name another one with the score. The reference implementation prints `biased`.
 * Source: Jayasumana et al., "Rethinking FID" (CVPR 2024), eq. 4.
 * @throws MetricsError invalid-shape; not-finite; too-few-samples below 2 different images; empty-input naming a row that is zero
 */
export async function cmmd(a: KeyedFeatures, b: KeyedFeatures): Promise<KernelDistance> {
  checkPair('cmmd', a, b);
  const distance = await squaredDiscrepancy(gaussian, SIGMA ** 2, unitRows('first', a), unitRows('second', b), () => 1);
  return {
    ...distance,
    unbiased: SCALE * distance.unbiased,
    biased: SCALE * distance.biased,
    standardError: SCALE * distance.standardError,
  };
}

function unitRows(name: string, features: KeyedFeatures): KeyedRows {
  const matrix = toMatrix(features);
  for (let i = 0; i < matrix.rows; i++) {
    const row = matrix.data.subarray(i * matrix.columns, (i + 1) * matrix.columns);
    const length = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
    if (length === 0)
      throw new MetricsError('empty-input', `Error in cmmd, ${name} set: row ${i} is zero, so it has no direction`, { row: i });
    for (let j = 0; j < row.length; j++) row[j]! /= length;
  }
  return { ...matrix, keys: keyed(`cmmd, ${name} set`, features).keys };
}
