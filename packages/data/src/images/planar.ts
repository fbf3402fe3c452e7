import type { RgbImage } from './image.ts';

/** A planar batch [N, 3, H, W] of float32. */
interface PlanarBatch {
  data: Float32Array;
  shape: number[];
}

/**
 * Writes a condition, an interleaved 8-bit image [H, W, 3], into a planar batch [N, 3, H, W] in [0, 1] at row `n`, as Stable Diffusion's
 * ControlNets take it.
 */
export function writeCondition(rgb: Uint8Array, batch: Float32Array, n: number): void {
  const pixels = rgb.length / 3;
  const start = n * rgb.length;
  for (let p = 0; p < pixels; p++) for (let c = 0; c < 3; c++) batch[start + c * pixels + p] = rgb[p * 3 + c]! / 255;
}

/** Conditions of one size as a batch [N, 3, H, W] in [0, 1]. @throws RangeError when sizes differ */
export const conditionBatch = (images: readonly RgbImage[]): PlanarBatch => batchOf('condition', images, writeCondition);

/** Writes an interleaved 8-bit image [H, W, 3] into a planar batch [N, 3, H, W] in [-1, 1] at row `n`. */
export function writeImage(rgb: Uint8Array, batch: Float32Array, n: number): void {
  const pixels = rgb.length / 3;
  const start = n * rgb.length;
  for (let p = 0; p < pixels; p++) for (let c = 0; c < 3; c++) batch[start + c * pixels + p] = rgb[p * 3 + c]! / 127.5 - 1;
}

/** Pictures of one size as a batch [N, 3, H, W] in [-1, 1]. @throws RangeError when sizes differ */
export const imageBatch = (images: readonly RgbImage[]): PlanarBatch => batchOf('image', images, writeImage);

/** The pictures of a batch [N, 3, H, W] in [-1, 1], clamped. */
export function toImages({ data, shape }: { data: ArrayLike<number>; shape: readonly number[] }): RgbImage[] {
  const [n, , height, width] = shape as [number, number, number, number];
  const pixels = height * width;
  return Array.from({ length: n }, (_, i) => {
    const rgb = new Uint8Array(pixels * 3);
    for (let c = 0; c < 3; c++)
      for (let p = 0; p < pixels; p++)
        rgb[p * 3 + c] = Math.max(0, Math.min(255, Math.round((data[(i * 3 + c) * pixels + p]! + 1) * 127.5)));
    return { rgb, width, height };
  });
}

function batchOf(what: string, images: readonly RgbImage[], write: (rgb: Uint8Array, batch: Float32Array, n: number) => void): PlanarBatch {
  const { width, height } = images[0]!;
  const data = new Float32Array(images.length * 3 * height * width);
  for (const [n, image] of images.entries()) {
    if (image.width !== width || image.height !== height)
      throw new RangeError(`${what} ${n} is ${image.width} x ${image.height}, the first is ${width} x ${height}`);
    write(image.rgb, data, n);
  }
  return { data, shape: [images.length, 3, height, width] };
}
