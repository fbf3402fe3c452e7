import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { guessModeWeights, resolutionWeights, scaleResiduals, toUNetResiduals, type ControlResiduals } from './residuals.ts';

beforeAll(() => tf.setBackend('cpu'));

const residuals = (value: number): ControlResiduals => ({
  downBlockResiduals: [tf.fill([2, 1, 8, 8], value), tf.fill([2, 1, 4, 4], value)],
  midBlockResidual: tf.fill([2, 1, 1, 1], value),
});
const firsts = ({ downBlockResiduals, midBlockResidual }: ControlResiduals) =>
  [...downBlockResiduals, midBlockResidual].map((t) => t.dataSync()[0]);

describe('weights', () => {
  it('guess mode goes from a tenth to one in equal ratios', () => {
    expect(guessModeWeights(3)).toEqual([0.1, 10 ** -0.5, 1]);
    const sd = guessModeWeights(13); // torch.logspace(-1, 0, 13)
    expect(sd[0]).toBe(0.1);
    expect(sd[6]).toBeCloseTo(0.316227766, 9);
    expect(sd[12]).toBe(1);
    expect(guessModeWeights(1)).toEqual([1]);
  });

  it('resolution weighting is H / h_i: 1 at the latent size, 8 at an eighth', () => {
    expect(resolutionWeights(residuals(1))).toEqual([1, 2, 8]);
  });
});

describe('scaleResiduals', () => {
  it('multiplies strength and weights', () => {
    expect(firsts(scaleResiduals(residuals(3), 2))).toEqual([6, 6, 6]);
    expect(firsts(scaleResiduals(residuals(3), 2, [1, 2, 8]))).toEqual([6, 12, 48]);
  });

  it('takes a strength for each sample', () => {
    const { downBlockResiduals } = scaleResiduals(residuals(3), tf.tensor4d([0, 1], [2, 1, 1, 1]), [1, 2, 8]);
    const data = (downBlockResiduals[1] as tf.Tensor).dataSync();
    expect([data[0], data[16]]).toEqual([0, 6]);
  });

  it('refuses another number of weights', () => {
    expect(() => scaleResiduals(residuals(1), 1, [1])).toThrow(/one for each of 3 connections, got 1/);
  });
});

describe('what the U-Net gets', () => {
  it('can leave only the middle block', () => {
    expect(Object.keys(toUNetResiduals(residuals(1)))).toEqual(['downBlockAdditionalResiduals', 'midBlockAdditionalResidual']);
    expect(Object.keys(toUNetResiduals(residuals(1), { onlyMid: true }))).toEqual(['midBlockAdditionalResidual']);
  });
});
