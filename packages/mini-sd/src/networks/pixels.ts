import { writeImage } from '@controllab/data';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { IMAGE_SIZE } from './models.ts';

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
