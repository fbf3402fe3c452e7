import { MetricsError } from '../errors.ts';
import { byPlace, contentPlaces, featureKeys, type ContentKeys } from '../features/content-order.ts';
import { rowsAt } from '../features/feature-vectors.ts';

/** The convention of the field: the mean over ten parts of the set. */
const SPLITS = 10;

export interface InceptionScore {
  /** Over the whole set. */
  score: number;
  /**
   * Over ten parts of it, drawn at random: what papers print, lower than `score` for small sets. null for fewer than two images a part.
   */
  splits: { mean: number; sd: number } | null;
}

/**
 * The Inception Score, exp(E KL(p(y|x) || p(y))), in float64. `logits`: [N, classes].
 * The parts are drawn by the images' content and the seed: files in folders by class, read in order, would give parts of few classes.
 * @param keys of the images' content; by default their logits
 * Source: Salimans et al. 2016, section 4; ten splits and the population standard deviation as in its code, which takes the images in the
 * order of their generation.
 * @throws MetricsError invalid-shape; not-finite naming the image.
 */
export function inceptionScore(
  logits: Float32Array,
  classes: number,
  { seed = 0, keys }: { seed?: number; keys?: ContentKeys } = {},
): InceptionScore {
  const count = logits.length / classes;
  if (!Number.isInteger(count) || count === 0)
    throw new MetricsError('invalid-shape', `Error in inceptionScore: expected [N, ${classes}] logits, got ${logits.length} values`, {
      length: logits.length,
      classes,
    });
  const logProbabilities = Float64Array.from(logits);
  for (let i = 0; i < count; i++) logSoftmax(logProbabilities.subarray(i * classes, (i + 1) * classes), i);
  if (keys !== undefined && keys.length !== count)
    throw new MetricsError('invalid-shape', `Error in inceptionScore: got ${keys.length} keys of ${count} images`, {
      keys: keys.length,
      count,
    });
  const order = byPlace(contentPlaces(keys ?? featureKeys({ data: logits, shape: [count, classes] }), seed));
  const scores = Array.from({ length: SPLITS }, (_, k) => {
    const part = order.slice(Math.floor((k * count) / SPLITS), Math.floor(((k + 1) * count) / SPLITS));
    return scoreOf(rowsAt({ data: logProbabilities, shape: [count, classes] }, part).data as Float64Array, classes);
  });
  const mean = scores.reduce((a, b) => a + b, 0) / SPLITS;
  const sd = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / SPLITS);
  return { score: scoreOf(logProbabilities, classes), splits: count < 2 * SPLITS ? null : { mean, sd } };
}

function logSoftmax(row: Float64Array, index: number): void {
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const shift = largest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0));
  if (!Number.isFinite(shift))
    throw new MetricsError('not-finite', `Error in inceptionScore: the logits of image ${index} are not finite`, { index });
  for (let j = 0; j < row.length; j++) row[j]! -= shift;
}

function scoreOf(logProbabilities: Float64Array, classes: number): number {
  const count = logProbabilities.length / classes;
  const marginal = new Float64Array(classes);
  logProbabilities.forEach((logP, i) => {
    marginal[i % classes]! += Math.exp(logP) / count;
  });
  const logMarginal = marginal.map(Math.log);
  const divergence = logProbabilities.reduce((sum, logP, i) => {
    const p = Math.exp(logP);
    return p === 0 ? sum : sum + p * (logP - logMarginal[i % classes]!); // 0 log 0 is 0
  }, 0);
  return Math.exp(divergence / count);
}
