import { MetricsError } from '../errors.ts';

/** A map or image whose samples lie row by row, channels interleaved: [H, W] or [H, W, C]. */
export interface Raster {
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
}

/** Number of channels of two rasters of one shape. @throws MetricsError invalid-shape, empty-input, not-finite naming the metric. */
export function checkPair(metric: string, a: Raster, b: Raster): number {
  const shape = ({ data, width, height }: Raster) => `${height}x${width} with ${data.length} samples`;
  if (a.data.length === 0 || b.data.length === 0)
    throw new MetricsError('empty-input', `Error in ${metric}: an image is empty: ${shape(a)} and ${shape(b)}`, {
      a: a.data.length,
      b: b.data.length,
    });
  const channels = a.data.length / (a.width * a.height);
  if (a.width !== b.width || a.height !== b.height || a.data.length !== b.data.length || !Number.isInteger(channels)) {
    throw new MetricsError('invalid-shape', `Error in ${metric}: expected two images of one shape, got ${shape(a)} and ${shape(b)}`, {
      width: [a.width, b.width],
      height: [a.height, b.height],
      samples: [a.data.length, b.data.length],
    });
  }
  checkFinite(metric, a.data);
  checkFinite(metric, b.data);
  return channels;
}

/** Like {@link checkPair}, for maps of one channel. */
export function checkMaps(metric: string, a: Raster, b: Raster): void {
  const channels = checkPair(metric, a, b);
  if (channels !== 1)
    throw new MetricsError('invalid-shape', `Error in ${metric}: expected maps of one channel, got ${channels}`, { channels });
}

/** @throws MetricsError not-finite */
export function checkFinite(metric: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]))
      throw new MetricsError('not-finite', `Error in ${metric}: sample ${i} is ${values[i]}`, { index: i, value: values[i] });
  }
}

/** Range of the samples: 255 for bytes, 1 for floats from 0 to 1. */
export interface SampleRange {
  range: number;
}

/** @throws MetricsError invalid-option */
export function checkRange(metric: string, range: number): void {
  if (!(range > 0 && Number.isFinite(range)))
    throw new MetricsError('invalid-option', `Error in ${metric}: expected a positive range of samples, got ${range}`, { range });
}
