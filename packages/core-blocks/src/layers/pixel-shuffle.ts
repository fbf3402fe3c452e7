import * as tf from '@tensorflow/tfjs';

/** Space to depth, torch.nn.PixelUnshuffle: [N, C, H, W] to [N, f f C, H/f, W/f]. */
export function pixelUnshuffle(x: tf.Tensor, factor: number): tf.Tensor4D {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return tf.reshape(tf.transpose(tf.reshape(x, [n, c, h / factor, factor, w / factor, factor]), [0, 1, 3, 5, 2, 4]), [
    n,
    factor * factor * c,
    h / factor,
    w / factor,
  ]);
}

/** Depth to space, torch.nn.PixelShuffle: [N, f f C, H, W] to [N, C, fH, fW]. */
export function pixelShuffle(x: tf.Tensor, factor: number): tf.Tensor4D {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return tf.reshape(tf.transpose(tf.reshape(x, [n, c / (factor * factor), factor, factor, h, w]), [0, 1, 4, 2, 5, 3]), [
    n,
    c / (factor * factor),
    factor * h,
    factor * w,
  ]);
}
