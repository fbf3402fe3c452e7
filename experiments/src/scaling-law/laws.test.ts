import { expect, it } from 'vitest';
import { foretellLarger, frontierOf, lawsOf, type MemberRun } from './laws.ts';

/** L = 0.1 + 3 / N^0.3 + 2 / D^0.25, without noise, at 6 N D operations. */
const run = (width: number, steps: number): MemberRun => {
  const [parameters, samples] = [1400 * width ** 2, 16 * steps];
  const loss = 0.1 + 3 * parameters ** -0.3 + 2 * samples ** -0.25;
  return {
    width,
    steps,
    seed: 1,
    finishedAt: '2026-01-01T00:00:00.000Z',
    value: { parameters, samples, flops: 6 * parameters * samples, loss },
  };
};
const grid = [16, 32, 48, 64].flatMap((width) => [250, 500, 1000, 2000].map((steps) => run(width, steps)));

it('the law of a grid foretells a larger run', () => {
  const { value } = run(96, 3000);
  const { value: said, interval } = foretellLarger(grid, { ...value, replicates: 2 })!;
  expect(said).toBeCloseTo(value.loss, 4);
  for (const end of interval) expect(end).toBeCloseTo(value.loss, 3);
  expect(foretellLarger(grid.slice(0, 4), { ...value, replicates: 2 })).toBeNull();
});

it('laws have the exponents that runs were made with', () => {
  const both = lawsOf(grid).at(-1)!.fit!;
  expect(both.parameters['alpha']).toBeCloseTo(0.3, 3);
  expect(both.parameters['beta']).toBeCloseTo(0.25, 3);
});

it('the frontier holds no run that a cheaper one is as good as', () => {
  const at = (flops: number, loss: number) => ({ value: { flops, loss } });
  const [a, b, c, d] = [at(1, 3), at(2, 3), at(3, 2), at(2, 2.5)];
  expect(frontierOf([a, b, c, d])).toEqual([a, c, d]);
});
