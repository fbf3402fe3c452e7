import { describe, expect, it } from 'vitest';
import { inceptionScore } from './inception-score.ts';

describe('inceptionScore', () => {
  it('is 1 where every image is classified alike and C where each of C classes is certain', () => {
    expect(inceptionScore(Float32Array.of(1, 2, 1, 2), 2)).toEqual({ score: 1, splits: null });
    expect(inceptionScore(Float32Array.of(1e4, 0, 0, 0, 1e4, 0, 0, 0, 1e4), 3).score).toBeCloseTo(3, 12);
  });

  it('is exp of the mean divergence from the mean', () => {
    // p = (1/4, 3/4) and (3/4, 1/4), their mean (1/2, 1/2): KL = 1/4 ln 1/2 + 3/4 ln 3/2.
    const divergence = 0.25 * Math.log(0.5) + 0.75 * Math.log(1.5);
    expect(inceptionScore(Float32Array.of(0, Math.log(3), Math.log(3), 0), 2).score).toBeCloseTo(Math.exp(divergence), 6);
  });

  it('averages over ten parts in the order given', () => {
    // Twenty images in pairs: even parts certain of two classes (score 2), odd ones of one (score 1).
    const logits = Float32Array.from({ length: 40 }, (_, i) =>
      (Math.floor(i / 2) % 2 && Math.floor(i / 4) % 2 === 0 ? i % 2 : 1 - (i % 2)) ? 1e4 : 0,
    );
    const { splits } = inceptionScore(logits, 2);
    expect(splits!.mean).toBeCloseTo(1.5, 12);
    expect(splits!.sd).toBeCloseTo(0.5, 12);
  });

  it('refuses logits that are not finite or not [N, classes]', () => {
    expect(() => inceptionScore(Float32Array.of(0, 1, NaN, 1), 2)).toThrow(/logits of image 1 are not finite/);
    expect(() => inceptionScore(Float32Array.of(0, 1, 2), 2)).toThrow(/expected \[N, 2\] logits, got 3 values/);
    expect(() => inceptionScore(new Float32Array(0), 2)).toThrow(/got 0 values/);
  });
});
