import * as tf from '@tensorflow/tfjs';
import { TfjsOnnxError } from '../errors.ts';
import { inScope } from '../scope.ts';
import { showShape } from '../types.ts';
import { isRecording, registerGradient, runKernel } from './dispatch.ts';

export interface PoolOptions {
  stride?: number;
  /** On every side; at most half of the kernel, so that every window holds a value. */
  padding?: number;
}

const PUBLIC = { MaxPool2d: 'nn.maxPool2d', AvgPool2d: 'nn.avgPool2d' } as const;

function pool(kind: 'MaxPool2d' | 'AvgPool2d', x: tf.Tensor, kernelSize: number, { stride = 1, padding = 0 }: PoolOptions): tf.Tensor4D {
  const op = PUBLIC[kind];
  const whole = [kernelSize - 1, stride - 1, padding].every((value) => Number.isInteger(value) && value >= 0);
  const fits = x.rank === 4 && Math.min(x.shape[2]!, x.shape[3]!) + 2 * padding >= kernelSize;
  if (!whole || !fits || 2 * padding > kernelSize) {
    throw new TfjsOnnxError(
      'shape-mismatch',
      `${op}: expected x [N, C, H, W] with H and W of at least ${kernelSize} - 2 * padding, a stride of at least 1, and a padding of at most half the kernel; got x ${showShape(x.shape)}, kernel ${kernelSize}, padding ${padding}, stride ${stride}${inScope()}`,
      { op, x: x.shape, kernelSize, padding, stride },
    );
  }
  if (isRecording()) return runKernel(`nn.${kind}`, { x }, { kernelSize, stride, padding });
  const eager = kind === 'MaxPool2d' ? tf.maxPool : tf.avgPool;
  return tf.transpose(eager(tf.transpose(x as tf.Tensor4D, [0, 2, 3, 1]), kernelSize, stride, padding, 'floor'), [0, 3, 1, 2]);
}

/**
 * Largest value of every k x k window, torch.nn.functional.max_pool2d. Forward only.
 * @param x [N, C, H, W]
 * @returns [N, C, H', W'], H' = floor((H + 2 padding - k) / stride) + 1
 * @throws shape-mismatch
 */
export const maxPool2d = (x: tf.Tensor, kernelSize: number, options: PoolOptions = {}): tf.Tensor4D =>
  pool('MaxPool2d', x, kernelSize, options);

/**
 * Mean of every k x k window over the values in it: padding does not count, torch.nn.functional.avg_pool2d with
 * count_include_pad=False. Forward only.
 * @param x [N, C, H, W]
 * @returns [N, C, H', W'], H' = floor((H + 2 padding - k) / stride) + 1
 * @throws shape-mismatch
 */
export const avgPool2d = (x: tf.Tensor, kernelSize: number, options: PoolOptions = {}): tf.Tensor4D =>
  pool('AvgPool2d', x, kernelSize, options);

for (const kind of ['MaxPool2d', 'AvgPool2d'] as const) {
  registerGradient(`nn.${kind}`, { inputs: [] }, () => {
    throw new TfjsOnnxError('unsupported-op', `${PUBLIC[kind]} has no gradient: downsample with nn.conv2d and a stride in what trains`, {
      op: PUBLIC[kind],
    });
  });
}
