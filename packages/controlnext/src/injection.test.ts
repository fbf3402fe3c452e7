import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { crossNormalize, type CrossNormalization } from './cross-normalization.ts';
import { CONTROLNEXT_INJECTIONS, injectControl, type ControlNeXtInjection } from './injection.ts';

beforeAll(() => tf.setBackend('cpu'));

const row = (...values: number[]) => tf.tensor4d(values, [1, 1, 1, values.length]);
const data = (x: tf.Tensor) => [...x.dataSync()].map((v) => Number(v.toFixed(5)));

describe('crossNormalize', () => {
  it('aligns mean and unbiased deviation with the main branch', () => {
    // Control 0, 2: mean 1, deviation sqrt 2. Main 10, 16: mean 13, deviation 3 sqrt 2.
    expect(data(crossNormalize(row(0, 2), row(10, 16), { kind: 'align', first: 'pool', eps: 0 }))).toEqual([10, 16]);
    expect(data(crossNormalize(row(2, 0), row(10, 16), { kind: 'align', first: 'align', eps: 0 }))).toEqual([16, 10]);
    // The biased deviation of the main branch alone would differ: with three values the factor is sqrt(3/2), cancelled by the control's.
    expect(data(crossNormalize(row(-1, 0, 1), row(5, 5, 8), { kind: 'align', first: 'pool', eps: 0 }))).toEqual(
      [6 - Math.sqrt(3), 6, 6 + Math.sqrt(3)].map((v) => Number(v.toFixed(5))),
    );
  });

  it('pooling first or last gives different features', () => {
    const control = row(0, 4, 2, 2);
    expect(data(crossNormalize(control, row(0, 2), { kind: 'align', first: 'pool', eps: 1e-12 }))).toEqual([1, 1]); // pooled 2, 2: no spread left
    const aligned = data(crossNormalize(row(0, 2, 2, 4), row(0, 2), { kind: 'align', first: 'align', eps: 0 })); // deviation sqrt(8/3) to sqrt 2
    expect(aligned).toEqual([1 - Math.sqrt(3) / 2, 1 + Math.sqrt(3) / 2].map((v) => Number(v.toFixed(5))));
  });

  it('equation 10 normalises with the main branch alone', () => {
    // Main 1, 5: mean 3, biased variance 4.
    const equation = (squareRoot: boolean): CrossNormalization => ({ kind: 'equation-10', gamma: 2, eps: 0, squareRoot });
    expect(data(crossNormalize(row(3, 5), row(1, 5), equation(true)))).toEqual([0, 2]);
    expect(data(crossNormalize(row(3, 5), row(1, 5), equation(false)))).toEqual([0, 1]);
  });

  it('refuses other channels', () => {
    expect(() => crossNormalize(tf.zeros([1, 2, 4, 4]), tf.zeros([1, 3, 4, 4]), { kind: 'align', first: 'pool', eps: 0 })).toThrow(
      /expected \[1, 3, H, W\]/,
    );
  });
});

describe('injectControl', () => {
  const identity = { kind: 'align', first: 'pool', eps: 0 } as const;
  const pair = tf.tensor4d([1, 3, 1, 3], [2, 1, 1, 2]);
  const added = (how: ControlNeXtInjection, scale: number | tf.Tensor, guided = false) => {
    // Aligned with itself the control is the main branch: what is added is the gain times it.
    const x = injectControl({ ...how, normalization: identity }, { control: pair, scale }, { guided }).apply(pair);
    return data(tf.sub(tf.div(x, pair), 1)).filter((_, i) => i % 2 === 0);
  };

  it('adds the gain of each release', () => {
    const { sd15, svd, svdV1 } = CONTROLNEXT_INJECTIONS;
    expect(added(sd15, 0.35)).toEqual([0.35, 0.35]);
    expect(added(svd, 1)).toEqual([0.2, 0.2]);
    expect(added(svdV1, 1)).toEqual([0.95038, 0.95038]);
    expect(added(svdV1, tf.scalar(1))).toEqual([0.95038, 0.95038]);
    expect(added(sd15, tf.scalar(0.5))).toEqual([0.5, 0.5]);
  });

  it('guides as each pipeline does: SD on both halves, SVD on the conditional one, SVD v1 with a sigmoid of 0 on the other', () => {
    const { sd15, sdxl, svd, svdV1 } = CONTROLNEXT_INJECTIONS;
    expect(added(sd15, 1, true)).toEqual([1, 1]);
    expect(added(sdxl, 1, true)).toEqual([1, 1]);
    expect(added({ ...sd15, unconditionalScale: 'zero' }, 1, true)).toEqual([0, 1]);
    expect(added(svd, 1, true)).toEqual([0, 0.2]);
    expect(added(svdV1, tf.scalar(1), true)).toEqual([0.65, 0.95038]);
  });

  it('goes where each U-Net takes it', () => {
    expect(Object.values(CONTROLNEXT_INJECTIONS).map((how) => injectControl(how, { control: pair, scale: 1 }).point)).toEqual([
      'down_blocks.0',
      'mid_block',
      'conv_in',
      'down_blocks.0',
      'down_blocks.3',
    ]);
  });
});
