import * as tf from '@tensorflow/tfjs';
import { TfjsOnnxError } from '../errors.ts';
import { inScope } from '../scope.ts';
import { showShape } from '../types.ts';
import { isRecording, registerGradient, runKernel } from './dispatch.ts';

/**
 * Nearest-neighbour upsampling by two.
 * The twin concatenates: tfjs-backend-cpu's ResizeNearestNeighborGrad is wrong for N > 1.
 * @param x [N, C, H, W]
 * @returns [N, C, 2H, 2W]
 * @throws shape-mismatch
 */
export function upsampleNearest2x(x: tf.Tensor): tf.Tensor4D {
  if (x.rank !== 4)
    throw new TfjsOnnxError('shape-mismatch', `nn.upsampleNearest2x: expected x [N, C, H, W], got ${showShape(x.shape)}${inScope()}`, {
      op: 'nn.upsampleNearest2x',
      x: x.shape,
    });
  if (isRecording()) return runKernel('nn.UpsampleNearest2x', { x });
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const columns = tf.reshape(x, [n * c * h, w, 1]);
  const rows = tf.reshape(tf.concat([columns, columns], 2), [n * c * h, 1, 2 * w]);
  return tf.reshape(tf.concat([rows, rows], 1), [n, c, 2 * h, 2 * w]);
}

registerGradient('nn.UpsampleNearest2x', { inputs: [] }, ([dy]) => ({ x: () => runKernel('nn.UpsampleNearest2xGrad', { dy: dy! }) }));
