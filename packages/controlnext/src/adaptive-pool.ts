import * as tf from '@tensorflow/tfjs';

/**
 * [output, input] of the averages that make each output from its window of the input, floor(i n/m) to ceil((i+1) n/m).
 * Windows overlap where the sizes do not divide.
 */
function averages(input: number, output: number): tf.Tensor2D {
  const weights = new Float32Array(output * input);
  for (let i = 0; i < output; i++) {
    const start = Math.floor((i * input) / output);
    const end = Math.ceil(((i + 1) * input) / output);
    weights.fill(1 / (end - start), i * input + start, i * input + end);
  }
  return tf.tensor2d(weights, [output, input]);
}

/** Averages along the last axis, to `size` values. */
function poolRows(x: tf.Tensor, size: number): tf.Tensor {
  const length = x.shape.at(-1) as number;
  const pooled = tf.matMul(tf.reshape(x, [x.size / length, length]) as tf.Tensor2D, averages(length, size), false, true);
  return tf.reshape(pooled, [...x.shape.slice(0, -1), size]);
}

const turn = (x: tf.Tensor): tf.Tensor => tf.transpose(x, [0, 1, 3, 2]);

/** Averages windows of `x: [N, C, H, W]` into `[N, C, height, width]`: torch's adaptive_avg_pool2d. */
export function adaptiveAveragePool(x: tf.Tensor, [height, width]: readonly [number, number]): tf.Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  if (h === height && w === width) return x;
  if (h % height === 0 && w % width === 0) return tf.mean(tf.reshape(x, [n, c, height, h / height, width, w / width]), [3, 5]);
  return turn(poolRows(turn(poolRows(x, width)), height));
}
