import { expect, it } from 'vitest';
import { logLogFit, offsetFit } from './least-squares.ts';

it('logLogFit is the line through logarithms', () => {
  // y = 8, 4, 3 at x = 1, 2, 4: with u = 0, 1, 2 in log2, v = 3, 2, log2 3: slope (log2 3 - 3) / 2.
  const { alpha, A, r2 } = logLogFit([1, 2, 4], [8, 4, 3]);
  expect(alpha).toBeCloseTo((3 - Math.log2(3)) / 2, 12);
  expect(Math.log2(A)).toBeCloseTo((3 + 2 + Math.log2(3)) / 3 + alpha, 12);
  expect(r2).toBeLessThan(1);
});

it('offsetFit finds a law that grows as well as one that falls, without a start', () => {
  for (const [E, A, alpha] of [
    [0.62, 12.5, 0.34],
    [0.9, -3, 0.5],
    [-1, 0.01, -0.7],
  ] as const) {
    const x = [1e3, 3e3, 1e4, 5e4, 1e5, 1e6];
    const fit = offsetFit(
      x,
      x.map((value) => E + A * value ** -alpha),
    );
    expect(fit.E / E).toBeCloseTo(1, 8);
    expect(fit.A / A).toBeCloseTo(1, 7);
    expect(fit.alpha / alpha).toBeCloseTo(1, 8);
  }
});

it('says what is wrong with runs', () => {
  expect(() => logLogFit([1, 2, 3], [1, 0, 2])).toThrow(/y of run 1 is 0/);
  expect(() => offsetFit([1, 2, 3], [1, 2, 3])).toThrow(/takes 4 runs, got 3/);
  expect(() => offsetFit([1, 1, 2, 2], [1, 1, 2, 2])).toThrow(/only 2 sizes differ/);
});
