import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, valueAndGrads } from '@controllab/tfjs-onnx';
import { blockTransform } from './block-transform.ts';
import { DEGRADATION_NAMES, degrade, drawLadder } from './degradations.ts';
import { rankingLoss } from './ranking-loss.ts';

beforeAll(() => tf.setBackend('cpu'));

/** A smooth picture with an edge, not a multiple of 8 pixels wide. */
const picture = (width = 45, height = 36) => ({
  rgb: Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return Math.round(110 + 50 * Math.sin(x / 4 + c) + 30 * Math.cos(y / 3) + (x > 9 ? 30 : 0));
  }),
  width,
  height,
});
const distance = (a: Uint8Array, b: Uint8Array) => Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length);

describe('degrade', () => {
  const image = picture();
  const draw = { seed: 3, index: 5 };

  it.each(DEGRADATION_NAMES)('%s: grows with its strength from an exact copy, and is drawn again the same', (kind) => {
    const { rgb } = degrade(image, kind, 0, draw);
    expect(Buffer.compare(rgb, image.rgb)).toBe(0);
    expect(rgb).not.toBe(image.rgb);
    const errors = [0.3, 0.5, 0.75, 1].map((strength) => distance(degrade(image, kind, strength, draw).rgb, image.rgb));
    expect(errors[0]).toBeGreaterThan(0);
    for (let i = 1; i < errors.length; i++) expect(errors[i]).toBeGreaterThan(errors[i - 1]!);
    expect(Buffer.compare(degrade(image, kind, 0.4, draw).rgb, degrade(image, kind, 0.4, draw).rgb)).toBe(0);
  });

  it('noise and colour depend on the draw', () => {
    for (const kind of ['noise', 'colour'] as const)
      expect(Buffer.compare(degrade(image, kind, 0.5, draw).rgb, degrade(image, kind, 0.5, { ...draw, index: 6 }).rgb)).not.toBe(0);
  });

  it('noise has its standard deviation, a cast its length and no grey', () => {
    const grey = { rgb: new Uint8Array(40 * 40 * 3).fill(128), width: 40, height: 40 };
    expect(distance(degrade(grey, 'noise', 0.25, draw).rgb, grey.rgb)).toBeCloseTo(16, 0);
    const [r, g, b] = degrade(grey, 'colour', 0.5, draw).rgb as unknown as [number, number, number];
    expect(Math.hypot(r - 128, g - 128, b - 128)).toBeCloseTo(48, 0);
    expect(Math.abs(r + g + b - 3 * 128)).toBeLessThanOrEqual(1);
  });

  it('blur keeps flat colours and spreads a point by its Gaussian', () => {
    const flat = { rgb: new Uint8Array(20 * 20 * 3).fill(77), width: 20, height: 20 };
    expect(degrade(flat, 'blur', 1, draw).rgb).toEqual(flat.rgb);
    const point = { rgb: new Uint8Array(21 * 21 * 3), width: 21, height: 21 };
    point.rgb.fill(255, (10 * 21 + 10) * 3, (10 * 21 + 10) * 3 + 3);
    // standard deviation 1.05 pixels: 255 / (2 pi 1.05^2) = 36.8 in the middle (its sum over pixels is 1)
    expect(degrade(point, 'blur', 1, draw).rgb[(10 * 21 + 10) * 3]).toBe(37);
    expect(degrade(point, 'blur', 1, draw).rgb[(10 * 21 + 11) * 3]).toBe(Math.round(36.8 * Math.exp(-1 / (2 * 1.05 ** 2))));
  });

  it('refuses other strengths and shapes', () => {
    expect(() => degrade(image, 'blur', 1.5, draw)).toThrow(/strength from 0 to 1, got 1.5/);
    expect(() => degrade(image, 'blur', Number.NaN, draw)).toThrow(/got NaN/);
    expect(() => degrade({ ...image, width: 40 }, 'blur', 0.5, draw)).toThrow(/expected 36x40x3 bytes, got 4860/);
  });
});

describe('blockTransform', () => {
  it('leaves of a coarsely quantised block its rounded mean', () => {
    const image = { rgb: new Uint8Array(8 * 8 * 3).map((_, i) => 100 + (Math.floor(i / 3) % 2)), width: 8, height: 8 };
    // the lowest frequency is 8 (100.5 - 128) = -220, to the nearest multiple of 10 x 16
    expect([...new Set(blockTransform(image, 10))]).toEqual([128 - 160 / 8]);
  });

  it('restores an image from fine steps', () => {
    const image = picture();
    expect(distance(blockTransform(image, 0.001), image.rgb)).toBeLessThan(0.5);
  });
});

describe('drawLadder', () => {
  it('draws strengths that ascend, and every kind', () => {
    const ladders = Array.from({ length: 40 }, (_, index) => drawLadder({ seed: 1, index }, 3));
    for (const { strengths } of ladders)
      for (const [step, strength] of strengths.entries()) expect(Math.ceil(strength * 6)).toBe(2 * (step + 1));
    expect(new Set(ladders.map(({ kind }) => kind))).toEqual(new Set(DEGRADATION_NAMES));
    expect(drawLadder({ seed: 1, index: 7 }, 3)).toEqual(ladders[7]);
    expect(() => drawLadder({ seed: 1, index: 0 }, 0)).toThrow(/at least one step/);
  });
});

describe('rankingLoss', () => {
  it('charges every pair whose gap is below the margin', () => {
    // pairs of the first row: gaps 2, 2.5, 0.5: 0.5 too small. Second: -1, -2, -1: 2, 3, 2 too small
    const loss = rankingLoss(
      tf.tensor2d([
        [3, 1, 0.5],
        [0, 1, 2],
      ]),
      1,
    );
    expect(loss.dataSync()[0]).toBeCloseTo((0.5 + 2 + 3 + 2) / 6, 6);
    expect(rankingLoss(tf.tensor2d([[2, 1]]), 1).dataSync()[0]).toBe(0);
    expect(() => rankingLoss(tf.tensor2d([[1]]), 1)).toThrow(/at least two versions, got \[1, 1\]/);
  });

  it('has its gradient, eagerly and compiled', async () => {
    const scores = { data: Float32Array.of(3, 1, 0.5, 0, 1, 2), shape: [2, 3] };
    for (const engine of ['tfjs', 'onnx'] as const) {
      const step = await compile(
        ({ inputs }) => {
          const { value, grads } = valueAndGrads(() => rankingLoss(inputs['scores']!, 1), { scores: inputs['scores']! });
          return { outputs: { value, gradient: grads['scores']! } };
        },
        { inputs: { scores: { shape: [2, 3] } } },
        { engine, threads: 1 },
      );
      const { value, gradient } = await step.run({ scores });
      expect(value!.data[0]).toBeCloseTo(7.5 / 6, 6);
      for (const [i, want] of [0, -1 / 6, 1 / 6, -2 / 6, 0, 2 / 6].entries()) expect(gradient!.data[i]).toBeCloseTo(want, 6);
      await step.release();
    }
  });
});
