import type { Raster } from './check.ts';

/** The largest magnitude within `radius` pixels of either axis (a square neighbourhood), at every pixel of a map [H, W] of one channel. */
export function dilate({ data, width, height }: Raster, radius: number): Float32Array {
  const magnitudes = Float32Array.from({ length: data.length }, (_, i) => Math.abs(data[i]!));
  if (radius === 0) return magnitudes;
  return along(along(magnitudes, radius, 1, width), radius, width, height);
}

/** Largest value among up to `radius` steps back and forth along one axis of `length` pixels, `step` samples apart. */
function along(values: Float32Array, radius: number, step: number, length: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const position = Math.floor(i / step) % length;
    const end = Math.min(radius, length - 1 - position);
    let most = 0;
    for (let k = -Math.min(radius, position); k <= end; k++) most = Math.max(most, values[i + k * step]!);
    result[i] = most;
  }
  return result;
}
