import * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { IMAGE_SIZE } from './models.ts';

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

/** Writes an interleaved 8-bit image [H, W, 3] into a planar batch [N, 3, H, W] in [-1, 1] at row `n`. */
export function writeImage(rgb8: Uint8Array, batch: Float32Array, n: number): void {
  const pixels = rgb8.length / 3;
  const start = n * rgb8.length;
  for (let p = 0; p < pixels; p++) for (let c = 0; c < 3; c++) batch[start + c * pixels + p] = rgb8[p * 3 + c]! / 127.5 - 1;
}

/**
 * Writes a condition, an interleaved 8-bit image [H, W, 3], into a planar batch [N, 3, H, W] in [0, 1] at row `n`, as Stable Diffusion's
 * ControlNets take it.
 */
export function writeCondition(rgb8: Uint8Array, batch: Float32Array, n: number): void {
  const pixels = rgb8.length / 3;
  const start = n * rgb8.length;
  for (let p = 0; p < pixels; p++) for (let c = 0; c < 3; c++) batch[start + c * pixels + p] = rgb8[p * 3 + c]! / 255;
}

/** The images of a batch [N, 3, H, W] in [-1, 1], clamped, as interleaved 8-bit RGB. */
export function toImages({ data, shape }: HostTensor): Uint8Array[] {
  const [n, , h, w] = shape as [number, number, number, number];
  const pixels = h * w;
  return Array.from({ length: n }, (_, i) => {
    const rgb8 = new Uint8Array(pixels * 3);
    for (let c = 0; c < 3; c++)
      for (let p = 0; p < pixels; p++)
        rgb8[p * 3 + c] = Math.max(0, Math.min(255, Math.round((data[(i * 3 + c) * pixels + p]! + 1) * 127.5)));
    return rgb8;
  });
}

/** A planar batch of 8-bit images. */
export function fromImages(images: readonly Uint8Array[]): HostTensor {
  const data = new Float32Array(images.length * 3 * IMAGE_SIZE * IMAGE_SIZE);
  images.forEach((image, n) => writeImage(image, data, n));
  return { data, shape: [images.length, 3, IMAGE_SIZE, IMAGE_SIZE] };
}

/**
 * Images [64, 64, 3] in batches [count, 3, 64, 64] for a network that was compiled for `count`; the last is filled up with zeros behind its
 * `size` images.
 */
export function* imageBatches(images: readonly Uint8Array[], count: number): Generator<{ start: number; size: number; batch: HostTensor }> {
  const shape = [count, 3, IMAGE_SIZE, IMAGE_SIZE];
  for (let start = 0; start < images.length; start += count) {
    const size = Math.min(count, images.length - start);
    const data = new Float32Array(count * 3 * IMAGE_SIZE * IMAGE_SIZE);
    data.set(fromImages(images.slice(start, start + size)).data as Float32Array);
    yield { start, size, batch: { data, shape } };
  }
}
