import { describe, expect, it } from 'vitest';
import { meanInterval, median, pairedDifferenceInterval } from './interval.ts';
import { ReportError } from '../model/report-error.ts';

const codeOf = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    if (error instanceof ReportError) return error.code;
    throw error;
  }
  return 'no error';
};

describe('meanInterval', () => {
  it("is Student's t for few samples", () => {
    // 1, 2, 3: mean 2, sd 1, standard error 1/sqrt(3) = 0.57735, t(2) = 4.302653, half width 2.484138
    const estimate = meanInterval([1, 2, 3]);
    expect(estimate).toMatchObject({ value: 2, n: 3, method: "95% Student's t" });
    expect(estimate.interval![0]).toBeCloseTo(2 - 2.484138, 4);
    expect(estimate.interval![1]).toBeCloseTo(2 + 2.484138, 4);
    // Ten 0 and nine 1, mean 9/19, sample variance (9/19)(10/19)(19/18) = 0.263158
    const nineteen = meanInterval(Array.from({ length: 19 }, (_, i) => i % 2));
    expect(nineteen.interval![1] - nineteen.value).toBeCloseTo(2.100922 * Math.sqrt(0.263158 / 19), 5);
  });

  it('is a percentile bootstrap from 20 samples on, near the binomial quantiles', () => {
    // 50 zeros and 50 ones: a resampled mean is Binomial(100, 1/2) / 100, whose 2.5% and 97.5% quantiles are 0.40 and 0.60
    const estimate = meanInterval(Array.from({ length: 100 }, (_, i) => i % 2));
    expect(estimate.value).toBe(0.5);
    expect(estimate.interval![0]).toBeCloseTo(0.4, 9);
    expect(estimate.interval![1]).toBeCloseTo(0.6, 9);
  });

  it('gives the same interval for the same samples, another for another seed', () => {
    const samples = Array.from({ length: 40 }, (_, i) => Math.sin(i * i));
    expect(meanInterval(samples, { seed: 7 })).toEqual(meanInterval(samples, { seed: 7 }));
    expect(meanInterval(samples, { seed: 8 }).interval).not.toEqual(meanInterval(samples, { seed: 7 }).interval);
  });

  it('covers the true mean about 95% of the time', () => {
    // 200 sets of 30 samples from a triangular distribution with mean 0; binomial sd of the coverage is 1.5%
    let state = 12345;
    const uniform = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    let covered = 0;
    for (let set = 0; set < 200; set++) {
      const [lo, hi] = meanInterval(Array.from({ length: 30 }, () => uniform() - uniform())).interval!;
      if (lo <= 0 && hi >= 0) covered++;
    }
    expect(covered / 200).toBeGreaterThan(0.89);
  });

  it('has no interval for one sample and a zero-width one for constant samples', () => {
    expect(meanInterval([3])).toEqual({ value: 3, interval: null, n: 1, method: 'one sample, no interval' });
    expect(meanInterval([4, 4, 4]).interval).toEqual([4, 4]);
    expect(meanInterval(new Float32Array(25).fill(4)).interval).toEqual([4, 4]);
  });

  it('stays inside the quantity’s range', () => {
    const shares = [0.9, 0.95, 1];
    expect(meanInterval(shares).interval![1]).toBeGreaterThan(1);
    expect(meanInterval(shares, { range: [0, 1] })).toMatchObject({ interval: [meanInterval(shares).interval![0], 1], range: [0, 1] });
    expect(pairedDifferenceInterval([1, 0], [0, 1], { range: [-1, 1] }).interval).toEqual([-1, 1]);
    expect(codeOf(() => meanInterval([0.5, 1.2], { range: [0, 1] }))).toBe('bad-interval');
  });

  it('says what was sampled', () => {
    expect(meanInterval([1, 2], { over: '2 trainings' }).method).toBe("95% Student's t, over 2 trainings");
  });

  it('names what is wrong with the samples', () => {
    expect(codeOf(() => meanInterval([]))).toBe('empty-samples');
    expect(codeOf(() => meanInterval([1, Number.NaN]))).toBe('non-finite');
    expect(codeOf(() => meanInterval([Infinity]))).toBe('non-finite');
    expect(() => meanInterval([1, 2, Number.NaN])).toThrow(/sample 2 of 3 is NaN/);
  });
});

describe('median', () => {
  it('is the middle sample, or the mean of the two in the middle', () => {
    expect([median([7]), median([10, 9, 2]), median([4, 1, 10, 2])]).toEqual([7, 9, 3]);
    expect(median([])).toBeNaN();
  });
});

describe('pairedDifferenceInterval', () => {
  it('is the interval of the differences', () => {
    // differences 1, 1, 4: mean 2, sd sqrt(3), standard error 1, t(2) = 4.303
    const estimate = pairedDifferenceInterval([11, 21, 34], [10, 20, 30]);
    expect(estimate.value).toBe(2);
    expect(estimate.interval![0]).toBeCloseTo(-2.302653, 6);
    expect(estimate.interval![1]).toBeCloseTo(6.302653, 6);
  });

  it('refuses unpaired samples', () => {
    expect(codeOf(() => pairedDifferenceInterval([1, 2], [1]))).toBe('length-mismatch');
  });
});
