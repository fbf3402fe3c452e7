import * as tf from '@tensorflow/tfjs';
import { MetricsError } from '../errors.ts';

/**
 * Pairwise ranking hinge, mean of max(0, margin - (s_i - s_j)) over all i < j: every version of an image should score at least `margin`
 * above each more degraded one (RankIQA: Liu, van de Weijer and Bagdanov 2017).
 * `scores`: [N, L], L >= 2 versions of each of N images from best to worst; gives a scalar. Differentiable, eagerly and compiled.
 * @throws MetricsError invalid-shape
 */
export function rankingLoss(scores: tf.Tensor, margin: number): tf.Scalar {
  const [count = 0, levels = 0] = scores.shape;
  if (scores.rank !== 2 || count < 1 || levels < 2)
    throw new MetricsError(
      'invalid-shape',
      `Error in rankingLoss: expected scores [N, L] of at least two versions, got [${scores.shape.join(', ')}]`,
      { shape: scores.shape },
    );
  const gaps = tf.sub(tf.expandDims(scores, 2), tf.expandDims(scores, 1)); // [N, i, j]
  const above = tf.tensor(
    Float32Array.from({ length: levels * levels }, (_, k) => (Math.floor(k / levels) < k % levels ? 1 : 0)),
    [1, levels, levels],
  );
  const hinges = tf.mul(tf.relu(tf.sub(margin, gaps)), above);
  return tf.mul(tf.sum(hinges), 2 / (count * levels * (levels - 1))) as tf.Scalar;
}
