import { type RgbImage, normal, randomInt, uniform } from '@controllab/data';
import { MetricsError } from '../errors.ts';
import { blockTransform } from './block-transform.ts';

/** Noise at strength 1: standard deviation, of 255. */
const NOISE = 64;
/** Blur at strength 1: standard deviation, as a share of the short side. */
const BLUR = 0.05;
/** Colour cast at strength 1: length of the shift in RGB, of 255. */
const COLOUR = 96;
/** Quantisation at strength 1, in multiples of JPEG's standard table: its quality 50 is 1. */
const BLOCKS = 12;

/** Where in the stream of random numbers a degradation finds its own. */
export interface Draw {
  seed: number;
  /** Of the image. */
  index: number;
}

type Degradation = (image: RgbImage, strength: number, draw: Draw) => Uint8Array;

/** Ways to spoil an image, each by a strength from 0 (not at all) to 1. */
const DEGRADATIONS = {
  /** Gaussian blur. */
  blur: (image, strength) => blur(image, strength * BLUR * Math.min(image.width, image.height)),
  /** Gaussian noise on every sample. */
  noise: ({ rgb }, strength, { seed, index }) => {
    const noise = normal(seed, 'degrade/noise', index, rgb.length);
    return bytes(rgb.length, (i) => rgb[i]! + strength * NOISE * noise[i]!);
  },
  /** Blocks of 8 x 8 pixels as coarsely quantised as in a small JPEG. */
  blocks: (image, strength) => (strength === 0 ? image.rgb.slice() : blockTransform(image, strength * BLOCKS)),
  /** A cast of one colour that keeps the grey value. */
  colour: ({ rgb }, strength, { seed, index }) => {
    const angle = 2 * Math.PI * uniform(seed, 'degrade/colour', index, 1)[0]!;
    // A direction across the grey axis: cosines a third of a turn apart sum to 0, their squares to 3/2.
    const shift = [0, 1, 2].map((c) => strength * COLOUR * Math.sqrt(2 / 3) * Math.cos(angle + (2 * Math.PI * c) / 3));
    return bytes(rgb.length, (i) => rgb[i]! + shift[i % 3]!);
  },
} satisfies Record<string, Degradation>;

export type DegradationName = keyof typeof DEGRADATIONS;
export const DEGRADATION_NAMES = Object.keys(DEGRADATIONS) as DegradationName[];

/** One degradation, and how strong it is at each step. */
export interface DegradationLadder {
  kind: DegradationName;
  /** Ascending, each in the upper half of its own of `steps` equal parts of (0, 1]: neighbours are told apart. */
  strengths: number[];
}

/**
 * A degradation for an image, drawn by (seed, index), and strengths that grow from step to step: with the untouched image in front,
 * versions of one image that any judge of quality must rank in this order.
 * @throws MetricsError invalid-option for steps below 1
 */
export function drawLadder({ seed, index }: Draw, steps: number): DegradationLadder {
  if (!Number.isSafeInteger(steps) || steps < 1)
    throw new MetricsError('invalid-option', `Error in drawLadder: expected at least one step, got ${steps}`, { steps });
  const places = uniform(seed, 'degrade/strength', index, steps);
  return {
    kind: DEGRADATION_NAMES[randomInt(seed, 'degrade/kind', index, DEGRADATION_NAMES.length)]!,
    strengths: Array.from(places, (place, step) => (step + 1 - place / 2) / steps),
  };
}

/**
 * A degraded copy of an image; at strength 0 an exact one. The same (seed, index) gives the same noise and the same cast at every strength.
 * @throws MetricsError invalid-option for a strength outside of 0 to 1; invalid-shape
 */
export function degrade(image: RgbImage, kind: DegradationName, strength: number, draw: Draw): RgbImage {
  const { width, height, rgb } = image;
  if (!(strength >= 0 && strength <= 1))
    throw new MetricsError('invalid-option', `Error in degrade: expected a strength from 0 to 1, got ${strength}`, { kind, strength });
  if (rgb.length === 0 || rgb.length !== width * height * 3)
    throw new MetricsError('invalid-shape', `Error in degrade: expected ${height}x${width}x3 bytes, got ${rgb.length}`, {
      width,
      height,
      length: rgb.length,
    });
  return { rgb: DEGRADATIONS[kind](image, strength, draw), width, height };
}

/** Rounded and clipped. */
const bytes = (length: number, f: (i: number) => number): Uint8Array => Uint8Array.from(Uint8ClampedArray.from({ length }, (_, i) => f(i)));

function blur({ rgb, width, height }: RgbImage, sigma: number): Uint8Array {
  const radius = Math.ceil(3 * sigma);
  if (radius === 0) return rgb.slice();
  const raw = Array.from({ length: 2 * radius + 1 }, (_, k) => Math.exp(-((k - radius) ** 2) / (2 * sigma ** 2)));
  const sum = raw.reduce((a, b) => a + b, 0);
  const weights = Float64Array.from(raw, (w) => w / sum);
  const across = along(Float64Array.from(rgb), weights, 3, width);
  const both = along(across, weights, 3 * width, height);
  return bytes(rgb.length, (i) => both[i]!);
}

/** Weighted sums along one axis of `length` pixels, `step` samples apart; beyond the border the last pixel goes on. */
function along(values: Float64Array, weights: Float64Array, step: number, length: number): Float64Array {
  const radius = (weights.length - 1) / 2;
  return values.map((_, i) => {
    const at = Math.floor(i / step) % length;
    let sum = 0;
    for (let k = -radius; k <= radius; k++)
      sum += weights[k + radius]! * values[i + (Math.min(length - 1, Math.max(0, at + k)) - at) * step]!;
    return sum;
  });
}
