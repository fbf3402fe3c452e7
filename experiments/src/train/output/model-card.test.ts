import { expect, it } from 'vitest';
import { curveSvg } from './model-card.ts';

const drawn = (losses: readonly [step: number, loss: number][]): string => curveSvg(losses.map(([step, loss]) => ({ step, loss })));
const points = (svg: string): string => /<polyline [^>]*points="([^"]*)"/.exec(svg)![1]!;
const texts = (svg: string): string[] => [...svg.matchAll(/<text [^>]*>([^<]*)</g)].map(([, words]) => words!);

// 640 x 240 with 40 around: x from 40 for step 0 to 600 for the last step, y from 40 for the highest loss to 200 for the lowest.

it('draws losses from step 0 to the last, and from the lowest to the highest', () => {
  const svg = drawn([
    [5, 3],
    [10, 1],
    [20, 2.5],
  ]);
  expect(points(svg)).toBe('180.0,40.0 320.0,200.0 600.0,80.0');
  expect(texts(svg)).toEqual(['loss, 3.00 at the top', '1.00 at the bottom; 20 steps']);
});

it('draws one step, and losses that are all one, at the bottom', () => {
  expect(points(drawn([[1, 0.5]]))).toBe('600.0,200.0');
  expect(points(drawn([[1, 2], [2, 2]]))).toBe('320.0,200.0 600.0,200.0'); // prettier-ignore
});

it('draws means of a long training at the last step of each', () => {
  // 400 steps are 200 points of two: 0 and 1, then 2 and 3, ...
  const svg = drawn(Array.from({ length: 400 }, (_, i) => [i + 1, i]));
  const all = points(svg).split(' ');
  expect([all.length, all[0], all.at(-1)]).toEqual([200, '42.8,200.0', '600.0,40.0']);
  expect(texts(svg)).toEqual(['loss, 399 at the top', '0.500 at the bottom; 400 steps']);
});
