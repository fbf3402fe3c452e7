import { interpolate, resampleToFloat, type RgbImage } from '@controllab/data';
import { MetricsError } from '../errors.ts';
import type { Preprocess } from '../features/feature-extractor.ts';

/** Sides of the pictures that FID's Inception network takes. */
export const INCEPTION_SIZE = 299;

const TO = { width: INCEPTION_SIZE, height: INCEPTION_SIZE };

interface Preset {
  /** What it does, for reports. */
  description: string;
  /** `[299, 299, 3]` on the scale 0..255. */
  resize(image: RgbImage): Float32Array;
  /** From 0..255 to what the network sees. */
  normalize(value: number): number;
}

/** Bytes around the middle of a byte's range, as the original network was fed. */
const centred = (value: number) => (value - 128) / 128;

/**
 * The ways in which the field's implementations feed FID's Inception network. The same images give FIDs that differ by several
 * points between them, so the preset is part of a score's name.
 */
export const PRESETS = {
  'pytorch-fid': {
    description: 'pytorch-fid: bilinear on half pixels without antialiasing, on [0, 1]; then 2x - 1',
    resize: (image) => interpolate(image.rgb, image, TO, 'half-pixel'),
    normalize: (value) => 2 * (value / 255) - 1,
  },
  clean: {
    description: 'clean-fid: Pillow\u2019s bicubic (antialiased) in float per channel, clipped to 0..255; then (x - 128) / 128',
    resize: (image) => resampleToFloat(image.rgb, image, TO, 'bicubic'),
    normalize: (value) => centred(Math.min(255, Math.max(0, value))),
  },
  tf1: {
    description:
      'the original TTUR and torch-fidelity: TensorFlow 1\u2019s bilinear (no antialiasing, grid shifted up and left); then (x - 128) / 128',
    resize: (image) => interpolate(image.rgb, image, TO, 'tf1'),
    normalize: centred,
  },
  // torchmetrics also truncates, (x * 255).byte(); of images that came from bytes that leaves every byte as it was.
  torchmetrics: {
    description: 'torchmetrics from 1.8 on: bilinear with antialiasing; then (x - 128) / 128',
    resize: (image) => resampleToFloat(image.rgb, image, TO, 'bilinear'),
    normalize: centred,
  },
} satisfies Record<string, Preset>;

export type PresetName = keyof typeof PRESETS;

export const isPresetName = (name: string): name is PresetName => Object.hasOwn(PRESETS, name);

/**
 * How a preset turns an 8-bit image of any size into the network's input, `[3, 299, 299]`.
 * @throws MetricsError unknown-preset, listing the known ones.
 */
export function inceptionPreprocess(name: string): Preprocess {
  if (!isPresetName(name))
    throw new MetricsError('unknown-preset', `there is no preset "${name}"; there are ${Object.keys(PRESETS).join(', ')}`, { name });
  const { resize, normalize }: Preset = PRESETS[name];
  return { name, size: INCEPTION_SIZE, apply: (image) => planar(resize(image), INCEPTION_SIZE, normalize) };
}

/** `[S, S, 3]` to `[3, S, S]`, each value through `f`. */
function planar(interleaved: Float32Array, size: number, f: (value: number) => number): Float32Array {
  const result = new Float32Array(interleaved.length);
  const plane = size * size;
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) result[c * plane + i] = f(interleaved[i * 3 + c]!);
  }
  return result;
}
