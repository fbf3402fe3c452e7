import { expect, it } from 'vitest';
import { uniform } from '@controllab/data';
import { drawnExamples, seenExamples } from './drawn-examples.ts';

it('draws with replacement, or each once an epoch', () => {
  const draws = drawnExamples({ batchSize: 3 }, { seed: 2, count: 1000 });
  expect(draws(7)).toEqual(Array.from(uniform(2, 'scene', 7, 3), (u) => Math.floor(1000 * u)));
  const epochs = drawnExamples({ batchSize: 2, accumulation: 2, order: 'epochs' }, { seed: 2, count: 8 });
  expect([...epochs(0), ...epochs(1)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

it('tells which examples of three million a training sees', () => {
  const recipe = { examples: 3_000_000, batchSize: 4, steps: 5 };
  const drawn = drawnExamples(recipe, { seed: 9, count: recipe.examples });
  const all = new Set([0, 1, 2, 3, 4].flatMap(drawn));
  const seen = seenExamples(recipe, 9);
  expect(new Set(seen)).toEqual(all);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  // Of two, both are seen, once each.
  expect(seenExamples({ ...recipe, examples: 2 }, 9)).toEqual([0, 1]);
});
