import * as tf from '@tensorflow/tfjs';
import { nn } from '@controllab/tfjs-onnx';

/**
 * Where pixel i of `output` comes from among `input`: floor(i input / output) in single precision, as torch's nearest-neighbour
 * interpolation to a size computes it.
 */
function nearestSources(input: number, output: number): number[] {
  const scale = Math.fround(input / output);
  const doubled = output === 2 * input;
  return Array.from({ length: output }, (_, i) => (doubled ? i >> 1 : Math.min(Math.floor(Math.fround(i * scale)), input - 1)));
}

/** `[output, input]` of zeros and a one in each row: which pixel it takes. */
function selection(input: number, output: number): tf.Tensor2D {
  const ones = new Float32Array(output * input);
  for (const [i, source] of nearestSources(input, output).entries()) ones[i * input + source] = 1;
  return tf.tensor2d(ones, [output, input]);
}

/** The last axis of `x: [N, C, H, W]`, resized to `size`. */
function resizeRows(x: tf.Tensor, size: number): tf.Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  if (w === size) return x;
  return tf.reshape(tf.matMul(tf.reshape(x, [n * c * h, w]) as tf.Tensor2D, selection(w, size), false, true), [n, c, h, size]);
}

const turn = (x: tf.Tensor): tf.Tensor => tf.transpose(x, [0, 1, 3, 2]);

/** Whether `size` is twice `input`, or one less: the last pixel of the doubled side is cut off then. */
const isDoubled = (input: number, size: number): boolean => size === 2 * input || size === 2 * input - 1;

/** Nearest-neighbour interpolation of `x: [N, C, H, W]` to twice its size, or to `size` [height, width]: torch's interpolate. */
export function upsampleNearest(x: tf.Tensor, size?: readonly [number, number]): tf.Tensor {
  const [h, w] = x.shape.slice(2) as [number, number];
  if (size && !(isDoubled(h, size[0]) && isDoubled(w, size[1]))) return turn(resizeRows(turn(resizeRows(x, size[1])), size[0]));
  const doubled = nn.upsampleNearest2x(x);
  const fits = !size || (size[0] === 2 * h && size[1] === 2 * w);
  return fits ? doubled : tf.slice(doubled, [0, 0, 0, 0], [-1, -1, ...size]);
}

/** Means of 2x2 blocks of `x: [N, C, H, W]`; an odd last row or column is dropped: torch's AvgPool2d(2). */
export function averageHalf(x: tf.Tensor): tf.Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const [height, width] = [Math.floor(h / 2), Math.floor(w / 2)];
  const even = h % 2 === 0 && w % 2 === 0 ? x : tf.slice(x, [0, 0, 0, 0], [n, c, 2 * height, 2 * width]);
  return tf.mean(tf.reshape(even, [n, c, height, 2, width, 2]), [3, 5]);
}
