import { TrainingError } from '../errors.ts';
import { constantRate, cosineRate, type LearningRate } from '../learning-rate.ts';

/** How a control network is trained. Everything here is part of a training's identity. */
export interface Recipe {
  /** Examples of the dataset that are trained on: its first ones. */
  readonly examples: number;
  readonly batchSize: number;
  readonly steps: number;
  /** Highest learning rate of the control network; parameters of the base train at `Control.baseRate` of it. */
  readonly learningRate: number;
  /** Steps of linear warm-up. */
  readonly warmup: number;
  /** After the warm-up: `constant`, or half a cosine down to a fiftieth. */
  readonly schedule: 'constant' | 'cosine';
  /** Share of captions replaced by the empty prompt. */
  readonly promptDrop: number;
  /** `stratified`: one timestep from each of batchSize equal parts of the schedule, in random order; `uniform`: independent ones. */
  readonly timesteps: 'stratified' | 'uniform';
  /** AdamW's. */
  readonly weightDecay: number;
  /** Decay of averaged weights, which are then the ones that are kept; null: none. */
  readonly ema: number | null;
}

const FINAL_SHARE = 1 / 50;

/** The learning rate of a recipe by step. */
export function learningRateOf({ learningRate: peak, warmup, schedule, steps }: Recipe): LearningRate {
  return schedule === 'constant'
    ? constantRate({ peak, warmup })
    : cosineRate({ peak, warmup, totalSteps: steps, final: FINAL_SHARE * peak });
}

const SHARES = ['promptDrop'] as const;
const COUNTS = ['examples', 'batchSize', 'steps'] as const;

/** @throws TrainingError invalid-options naming the field that makes no sense */
export function checkRecipe(recipe: Recipe): void {
  const fail = (field: keyof Recipe, expected: string): never => {
    throw new TrainingError('invalid-options', `recipe.${field}: expected ${expected}, got ${String(recipe[field])}`, {
      [field]: recipe[field],
    });
  };
  for (const field of COUNTS) if (!Number.isInteger(recipe[field]) || recipe[field] < 1) fail(field, 'a whole number of at least 1');
  for (const field of SHARES) if (!(recipe[field] >= 0 && recipe[field] <= 1)) fail(field, 'a share from 0 to 1');
  if (!Number.isInteger(recipe.warmup) || recipe.warmup < 0) fail('warmup', 'a whole number of steps');
  if (!(recipe.learningRate > 0 && recipe.learningRate < 1)) fail('learningRate', 'a number between 0 and 1');
  if (!(recipe.weightDecay >= 0)) fail('weightDecay', 'a number of at least 0');
  if (recipe.ema !== null && !(recipe.ema > 0 && recipe.ema < 1)) fail('ema', 'a decay between 0 and 1, or null');
}
