import { MetricsError } from '../errors.ts';
import { checkPair, checkRange, type Raster, type SampleRange } from './check.ts';

const WINDOW = 11;
const SIGMA = 1.5;
const K1 = 0.01;
const K2 = 0.03;

/** Exponents of the five scales, from the finest (Wang, Simoncelli and Bovik 2003). */
const SCALE_WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

const GAUSSIAN = gaussian();

function gaussian(): Float64Array {
  const raw = Float64Array.from({ length: WINDOW }, (_, i) => Math.exp(-((i - (WINDOW - 1) / 2) ** 2) / (2 * SIGMA ** 2)));
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((w) => w / sum);
}

interface Plane {
  data: Float64Array;
  width: number;
  height: number;
}

function planes({ data, width, height }: Raster, channels: number): Plane[] {
  return Array.from({ length: channels }, (_, c) => ({
    data: Float64Array.from({ length: width * height }, (__, i) => data[i * channels + c]!),
    width,
    height,
  }));
}

/** Gaussian mean over every window that lies inside of the image. */
function windowMeans({ data, width, height }: Plane): Float64Array {
  const [w, h] = [width - WINDOW + 1, height - WINDOW + 1];
  const rows = new Float64Array(w * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < w; x++) {
      let sum = 0;
      for (let k = 0, i = y * width + x; k < WINDOW; k++, i++) sum += GAUSSIAN[k]! * data[i]!;
      rows[y * w + x] = sum;
    }
  }
  const result = new Float64Array(w * h);
  for (let i = 0; i < result.length; i++) {
    for (let k = 0; k < WINDOW; k++) result[i]! += GAUSSIAN[k]! * rows[i + k * w]!;
  }
  return result;
}

/** Pixel by pixel. */
const product = (a: Plane, b: Plane): Plane => ({ ...a, data: a.data.map((value, i) => value * b.data[i]!) });

/** Means over all windows of the similarity, and of its part without luminance (contrast and structure). */
function similarity(a: Plane, b: Plane, range: number): { ssim: number; contrast: number } {
  const [c1, c2] = [(K1 * range) ** 2, (K2 * range) ** 2];
  const [ma, mb, aa, bb, ab] = [a, b, product(a, a), product(b, b), product(a, b)].map(windowMeans) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let ssim = 0;
  let contrast = 0;
  for (let i = 0; i < ma.length; i++) {
    const [x, y] = [ma[i]!, mb[i]!];
    const part = (2 * (ab[i]! - x * y) + c2) / (aa[i]! - x * x + (bb[i]! - y * y) + c2);
    contrast += part;
    ssim += part * ((2 * x * y + c1) / (x * x + y * y + c1));
  }
  return { ssim: ssim / ma.length, contrast: contrast / ma.length };
}

/** Mean over the channels. */
function mean(pairs: readonly (readonly [Plane, Plane])[], range: number): { ssim: number; contrast: number } {
  const all = pairs.map(([a, b]) => similarity(a, b, range));
  return { ssim: all.reduce((sum, s) => sum + s.ssim, 0) / all.length, contrast: all.reduce((sum, s) => sum + s.contrast, 0) / all.length };
}

/** Means of 2 x 2 pixels; an odd row or column at the end is left out. */
function halve({ data, width, height }: Plane): Plane {
  const [w, h] = [Math.floor(width / 2), Math.floor(height / 2)];
  const half = new Float64Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const i = 2 * y * width + 2 * x;
      half[y * w + x] = (data[i]! + data[i + 1]! + data[i + width]! + data[i + width + 1]!) / 4;
    }
  }
  return { data: half, width: w, height: h };
}

function checked(metric: string, a: Raster, b: Raster, range: number, scales: number): (readonly [Plane, Plane])[] {
  const channels = checkPair(metric, a, b);
  checkRange(metric, range);
  const least = WINDOW * 2 ** (scales - 1);
  if (Math.min(a.width, a.height) < least) {
    throw new MetricsError(
      'invalid-shape',
      `Error in ${metric}: ${scales === 1 ? 'its window' : `${scales} scales`} of ${WINDOW}x${WINDOW} pixels ${scales === 1 ? 'needs' : 'need'} an image of at least ${least}x${least}, got ${a.height}x${a.width}`,
      { width: a.width, height: a.height, least },
    );
  }
  const [first, second] = [planes(a, channels), planes(b, channels)];
  return first.map((plane, i) => [plane, second[i]!] as const);
}

/**
 * Structural similarity of two images, 1 for equal ones: 11x11 Gaussian window (sigma 1.5), windows inside of the image only,
 * K1 = 0.01, K2 = 0.03, mean over windows and channels (Wang et al. 2004). torchmetrics also counts windows that reach into a mirrored
 * border.
 * @throws MetricsError invalid-shape (also for images below 11 pixels), empty-input, not-finite, invalid-option
 */
export function ssim(a: Raster, b: Raster, { range }: SampleRange): number {
  return mean(checked('ssim', a, b, range, 1), range).ssim;
}

/**
 * Multi-scale structural similarity: contrast and structure at five scales, luminance at the coarsest (Wang, Simoncelli and Bovik 2003).
 * This is what ControlNet++'s tables call SSIM. Means below zero count as zero, as in torchmetrics.
 * @throws MetricsError invalid-shape (also for images below 176 pixels), empty-input, not-finite, invalid-option
 */
export function msSsim(a: Raster, b: Raster, { range }: SampleRange): number {
  let pairs = checked('msSsim', a, b, range, SCALE_WEIGHTS.length);
  let product = 1;
  for (const [i, weight] of SCALE_WEIGHTS.entries()) {
    const { ssim: whole, contrast } = mean(pairs, range);
    product *= Math.max(0, i === SCALE_WEIGHTS.length - 1 ? whole : contrast) ** weight;
    pairs = pairs.map(([x, y]) => [halve(x), halve(y)] as const);
  }
  return product;
}
