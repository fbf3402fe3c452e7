import * as tf from '@tensorflow/tfjs';
import { adaptiveAveragePool } from './adaptive-pool.ts';
import { ControlNeXtError } from './errors.ts';

/**
 * How control features are brought to the main branch's distribution.
 * - `align`: what every released U-Net does. Mean and standard deviation over (C, H, W) of each sample, the unbiased one;
 *   the control gets those of the main branch. `first` says what comes first: pooling to the main branch's size or the alignment.
 * - `equation-10`: what the paper prints. The MAIN branch's mean and (biased) variance normalise the control, so its own
 *   statistics stay in the result and the distributions meet only if they met before. The paper gives no eps. `squareRoot: false`
 *   is the formula without the radical sign, as text copies of the paper have it.
 * - `none`: pooling alone, for a module whose last convolution starts at zero. No release; what cross normalisation is compared with.
 */
export type CrossNormalization =
  | { kind: 'align'; first: 'pool' | 'align'; eps: number }
  | { kind: 'equation-10'; gamma: number; eps: number; squareRoot: boolean }
  | { kind: 'none' };

/** Mean and biased variance of each sample, `[N, 1, 1, 1]`. */
const statistics = (x: tf.Tensor) => tf.moments(x, [1, 2, 3], true);

/** torch.std over (C, H, W): divides by n - 1. */
function deviation(x: tf.Tensor, variance: tf.Tensor): tf.Tensor {
  const n = x.size / (x.shape[0] as number);
  return tf.sqrt(tf.mul(variance, n / (n - 1)));
}

function align(control: tf.Tensor, main: tf.Tensor, eps: number): tf.Tensor {
  const [c, m] = [statistics(control), statistics(main)];
  const ratio = tf.div(deviation(main, m.variance), tf.add(deviation(control, c.variance), eps));
  return tf.add(tf.mul(tf.sub(control, c.mean), ratio), m.mean);
}

/**
 * Brings `control: [N, C, H', W']` to the size and distribution of `main: [N, C, H, W]`. Gradients flow through all statistics.
 * Source: ControlNeXt, section 3.3 and equations 8 to 10; the released U-Nets.
 * @throws ControlNeXtError invalid-input when batch or channels differ
 */
export function crossNormalize(control: tf.Tensor, main: tf.Tensor, normalization: CrossNormalization): tf.Tensor {
  const [n, c, height, width] = main.shape as [number, number, number, number];
  if (main.rank !== 4 || control.rank !== 4 || control.shape[0] !== n || control.shape[1] !== c) {
    throw new ControlNeXtError(
      'invalid-input',
      `control: expected [${n}, ${c}, H, W] for a main branch [${main.shape.join(', ')}], got [${control.shape.join(', ')}]`,
      { main: main.shape, control: control.shape },
    );
  }
  if (normalization.kind === 'align' && normalization.first === 'align')
    return adaptiveAveragePool(align(control, main, normalization.eps), [height, width]);
  const pooled = adaptiveAveragePool(control, [height, width]);
  if (normalization.kind === 'none') return pooled;
  if (normalization.kind === 'align') return align(pooled, main, normalization.eps);
  const { mean, variance } = statistics(main);
  const spread = tf.add(variance, normalization.eps);
  return tf.mul(tf.div(tf.sub(pooled, mean), normalization.squareRoot ? tf.sqrt(spread) : spread), normalization.gamma);
}
