import { expect, it } from 'vitest';
import { frontMembership, paretoFront } from './pareto.ts';

it('the front is what nothing else is as good as in everything; equals stay together', () => {
  expect(paretoFront([[1, 3], [2, 2], [3, 1], [3, 3], [2, 2]])).toEqual([true, true, true, false, true]); // prettier-ignore
  expect(paretoFront([[1, 1], [1, 2]])).toEqual([true, false]); // prettier-ignore
});

it('membership counts how often the means of drawn trainings are on the front', () => {
  const sure = [[1, 5], [1, 5]]; // prettier-ignore
  const never = [[2, 6], [2, 6]]; // prettier-ignore
  // Better than `sure` in the first coordinate unless only its second training is drawn, a quarter of the time.
  const often = [[-9, 6], [2, 6]]; // prettier-ignore
  const [a, b, c] = frontMembership([sure, never, often], 3) as [number, number, number];
  expect([a, b]).toEqual([1, 0]);
  expect(c).toBeGreaterThan(0.7);
  expect(c).toBeLessThan(0.8);
});
