import { DataError } from '../errors.ts';

/** Pillow's filters: the triangle and the cubic with a = -0.5. */
export type ResampleFilter = 'bilinear' | 'bicubic';

/** Size of an image whose samples lie interleaved, [H, W, C]. */
export interface RasterSize {
  width: number;
  height: number;
}

const FILTERS: Record<ResampleFilter, { support: number; weight: (x: number) => number }> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight(signed) {
      const a = -0.5;
      const x = Math.abs(signed);
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    },
  },
};

/** Fractional bits of the weights that Pillow applies to bytes. */
const WEIGHT_ONE = 2 ** 22;

/** What one output sample is made of: input samples from `start` on, each with its weight. */
interface Tap {
  start: number;
  weights: Float64Array;
}

/** The taps of every output sample. When shrinking, the filter is stretched over the inputs it stands for (antialiasing). */
function taps(from: number, to: number, { support, weight }: (typeof FILTERS)[ResampleFilter], bytes: boolean): Tap[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.floor(centre - support * stretch + 0.5));
    const end = Math.min(from, Math.floor(centre + support * stretch + 0.5));
    const raw = Float64Array.from({ length: end - start }, (_, j) => weight((start + j + 0.5 - centre) / stretch));
    const sum = raw.reduce((a, b) => a + b, 0);
    // Pillow rounds half away from zero here.
    const fixed = (w: number) => Math.sign(w) * Math.floor(Math.abs(w) * WEIGHT_ONE + 0.5);
    return { start, weights: raw.map((w) => (bytes ? fixed(w / sum) : w / sum)) };
  });
}

/** A sum as a sample: rounded and clipped for bytes. */
const sampleOf = (sum: number, bytes: boolean): number => (bytes ? Math.min(255, Math.max(0, Math.floor(sum / WEIGHT_ONE + 0.5))) : sum);

type Samples = Uint8Array | Float32Array;

/** Filters a row of RGB; by hand, since a loop over three channels would cost more than it does. */
function filterRgb(input: Samples, output: Samples, plan: readonly Tap[], row: number): void {
  const bytes = output instanceof Uint8Array;
  let to = 0;
  for (const { start, weights } of plan) {
    let [red, green, blue] = [0, 0, 0];
    for (let j = 0, from = row + start * 3; j < weights.length; j++, from += 3) {
      const weight = weights[j]!;
      red += input[from]! * weight;
      green += input[from + 1]! * weight;
      blue += input[from + 2]! * weight;
    }
    output[to++] = sampleOf(red, bytes);
    output[to++] = sampleOf(green, bytes);
    output[to++] = sampleOf(blue, bytes);
  }
}

/** Filters a row of pixels, which begins at `row` of the input. */
function filterRow(input: Samples, output: Samples, plan: readonly Tap[], row: number, channels: number): void {
  if (channels === 3) return filterRgb(input, output, plan, row);
  const bytes = output instanceof Uint8Array;
  for (let x = 0, to = 0; x < plan.length; x++) {
    const { start, weights } = plan[x]!;
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let j = 0, from = row + start * channels + c; j < weights.length; j++, from += channels) sum += input[from]! * weights[j]!;
      output[to++] = sampleOf(sum, bytes);
    }
  }
}

/**
 * Filters along columns. Rows are asked for once, one after the other, and added to the sums of the output rows that they are part of: no
 * picture of the input's height is ever held.
 */
function filterColumns(rowAt: (y: number) => Samples, output: Samples, plan: readonly Tap[], width: number): void {
  const bytes = output instanceof Uint8Array;
  const sums: Float64Array[] = [];
  const spare: Float64Array[] = [];
  const last = plan.at(-1)!;
  // Output rows whose sums have begun and are not whole: from `done` to `begun`.
  for (let y = plan[0]!.start, done = 0, begun = 0; y < last.start + last.weights.length; y++) {
    for (; begun < plan.length && plan[begun]!.start <= y; begun++) sums.push(spare.pop()?.fill(0) ?? new Float64Array(width));
    const row = rowAt(y);
    for (let o = done; o < begun; o++) {
      const [sum, weight] = [sums[o - done]!, plan[o]!.weights[y - plan[o]!.start]!];
      for (let k = 0; k < width; k++) sum[k]! += row[k]! * weight;
    }
    for (; done < begun && plan[done]!.start + plan[done]!.weights.length === y + 1; done++) {
      const sum = sums.shift()!;
      for (let k = 0; k < width; k++) output[done * width + k] = sampleOf(sum[k]!, bytes);
      spare.push(sum);
    }
  }
}

/**
 * Resizes as Pillow's `Image.resize` does, bit for bit: separable, antialiased when shrinking, columns before rows. Bytes are rounded
 * after either pass (modes L and RGB), floats stay floats (mode F, as clean-fid uses it channel by channel).
 * `pixels`: [H, W, C]; gives [H', W', C]. Source: Pillow's `Resample.c`.
 * @throws DataError invalid-shape when the sizes are no positive integers or do not fit the samples.
 */
export function resample<T extends Samples>(pixels: T, from: RasterSize, to: RasterSize, filter: ResampleFilter): T {
  return resampled(pixels, from, to, filter, pixels instanceof Uint8Array) as T;
}

/** What {@link resample} makes of the bytes as floats, without a copy of four times their size. @throws DataError as resample */
export const resampleToFloat = (pixels: Uint8Array, from: RasterSize, to: RasterSize, filter: ResampleFilter): Float32Array =>
  resampled(pixels, from, to, filter, false) as Float32Array;

function resampled(pixels: Samples, from: RasterSize, to: RasterSize, filter: ResampleFilter, bytes: boolean): Samples {
  const channels = pixels.length / (from.width * from.height);
  if (![from.width, from.height, to.width, to.height, channels].every((n) => Number.isSafeInteger(n) && n > 0)) {
    throw new DataError(
      'invalid-shape',
      `Error in resample: expected whole sizes and [H, W, C] samples, got ${from.height}x${from.width} to ${to.height}x${to.width} with ${pixels.length} samples`,
      { from, to, length: pixels.length },
    );
  }
  const kind = FILTERS[filter];
  const make = (length: number): Samples => (bytes ? new Uint8Array(length) : new Float32Array(length));
  const [wide, width] = [from.width * channels, to.width * channels];
  const across = from.width === to.width ? null : taps(from.width, to.width, kind, bytes);
  const narrowed = (y: number, row: Samples): Samples => {
    if (across === null) return pixels.subarray(y * wide, (y + 1) * wide);
    filterRow(pixels, row, across, y * wide, channels);
    return row;
  };
  const result = make(to.height * width);
  if (from.height !== to.height) {
    const row = make(width);
    filterColumns((y) => narrowed(y, row), result, taps(from.height, to.height, kind, bytes), width);
  } else if (across === null) result.set(pixels);
  else for (let y = 0; y < to.height; y++) narrowed(y, result.subarray(y * width, (y + 1) * width));
  return result;
}
