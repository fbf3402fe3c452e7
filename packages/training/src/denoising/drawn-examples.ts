import { uniform } from '@controllab/data';
import { shuffledIndices } from '../shuffled-indices.ts';
import { examplesOfStep, type Recipe } from './recipe.ts';

/**
 * The numbers of the examples that a step sees, of the `count` that there are: a pure function of (seed, step). The function goes through
 * steps forwards at no cost; of an earlier epoch it makes the order anew.
 */
export function drawnExamples(
  recipe: Pick<Recipe, 'batchSize' | 'accumulation' | 'order'>,
  { seed, count }: { seed: number; count: number },
): (step: number) => number[] {
  const batchSize = examplesOfStep(recipe);
  return recipe.order === 'epochs'
    ? shuffledIndices({ seed, datasetSize: count, batchSize })
    : (step) => Array.from(uniform(seed, 'scene', step, batchSize), (u) => Math.floor(u * count));
}

/** The numbers of all examples that a training sees, ascending. */
export function seenExamples(recipe: Pick<Recipe, 'examples' | 'batchSize' | 'accumulation' | 'order' | 'steps'>, seed: number): number[] {
  const drawn = drawnExamples(recipe, { seed, count: recipe.examples });
  const seen = new Set<number>();
  for (let step = 0; step < recipe.steps; step++) for (const index of drawn(step)) seen.add(index);
  return [...seen].sort((a, b) => a - b);
}
