import { TrainingError } from '../errors.ts';
import { constantRate, cosineRate, diffusersRate, type DiffusersSchedule, type LearningRate } from '../learning-rate.ts';

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
  /** After the warm-up: `constant`, half a cosine down to a fiftieth, or one of diffusers', warm-up included. */
  readonly schedule: 'constant' | 'cosine' | DiffusersSchedule;
  /** Share of captions replaced by the empty prompt. */
  readonly promptDrop: number;
  /** `stratified`: one timestep from each of batchSize equal parts of the schedule, the least first; `uniform`: independent ones. */
  readonly timesteps: 'stratified' | 'uniform';
  /** AdamW's. */
  readonly weightDecay: number;
  /** Decay of averaged weights, which are then the ones that are kept; null: none. */
  readonly ema: number | null;
  /** AdamW's decay of the first and second moment; 0.9 and 0.999. */
  readonly betas?: readonly [number, number];
  /** AdamW's; 1e-8. */
  readonly epsilon?: number;
  /** Micro-batches of `batchSize` examples whose gradients are averaged for one step; 1. */
  readonly accumulation?: number;
  /** Norm to which longer gradients are cut; none without it. */
  readonly maxGradNorm?: number;
  /** Cap of the signal-to-noise ratio in the weights of the loss, see `minSnrWeight`; equal weights without it. */
  readonly snrGamma?: number;
  /** `draws`, the default: every example is drawn from all; `epochs`: each once, in random order, before any comes again. */
  readonly order?: 'draws' | 'epochs';
}

/** Examples of one step. */
export const examplesOfStep = ({ batchSize, accumulation = 1 }: Pick<Recipe, 'batchSize' | 'accumulation'>): number =>
  batchSize * accumulation;

const FINAL_SHARE = 1 / 50;

/** The learning rate of a recipe by step. */
export function learningRateOf({
  learningRate: peak,
  warmup,
  schedule,
  steps,
}: Pick<Recipe, 'learningRate' | 'warmup' | 'schedule' | 'steps'>): LearningRate {
  if (typeof schedule === 'object') return diffusersRate(schedule, { peak, warmup, totalSteps: steps });
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
  const { betas = [0.9, 0.999], epsilon = 1e-8, accumulation = 1, maxGradNorm, snrGamma } = recipe;
  if (!betas.every((beta) => beta >= 0 && beta < 1)) fail('betas', 'two numbers from 0 to below 1');
  if (!(epsilon > 0)) fail('epsilon', 'a number above 0');
  if (!Number.isInteger(accumulation) || accumulation < 1) fail('accumulation', 'a whole number of at least 1');
  if (maxGradNorm !== undefined && !(maxGradNorm > 0)) fail('maxGradNorm', 'a number above 0');
  if (snrGamma !== undefined && !(snrGamma > 0)) fail('snrGamma', 'a number above 0');
  if (recipe.ema !== null && !(recipe.ema > 0 && recipe.ema < 1)) fail('ema', 'a decay between 0 and 1, or null');
}
