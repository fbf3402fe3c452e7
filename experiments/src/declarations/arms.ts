import { controlNet, controlNetLite, controlNetMlp } from '@controllab/controlnet';
import type { Recipe } from '@controllab/training';
import type { Arm, LossSize, Profile } from '../comparison/experiment.ts';

/**
 * The arms of the ablation. Figure 8 is (a) proposed, (b) Gaussian, (c) lite; the others tell what of (a) is the connection and what the
 * pretrained copy.
 */
export const arms: readonly Arm[] = [
  { id: 'proposed', label: 'ControlNet', description: 'trainable copy of the encoder, tied in by zero convolutions', method: controlNet() },
  {
    id: 'gaussian',
    label: 'Gaussian convolutions',
    description: 'the same copy, its zero convolutions replaced by standard convolutions with Gaussian weights of variance 1/fan-in',
    method: controlNet({ connection: 'gaussian' }),
  },
  {
    id: 'lite',
    label: 'ControlNet-lite',
    description: 'one convolution in place of each copied block (our reading of one sentence of the paper), tied in by zero convolutions',
    method: controlNetLite(),
  },
  {
    id: 'random',
    label: 'random copy',
    description: 'an encoder of the copy’s form from random weights, tied in by zero convolutions',
    method: controlNet({ copy: 'random' }),
  },
  {
    id: 'random-gaussian',
    label: 'random copy, Gaussian',
    description: 'the random encoder, tied in by Gaussian convolutions',
    method: controlNet({ copy: 'random', connection: 'gaussian' }),
  },
  {
    id: 'mlp',
    label: 'ControlNet-MLP',
    description: 'a perceptron for every pixel in place of the copied encoder (our reading of a discussion), tied in by zero convolutions',
    method: controlNetMlp(),
  },
];

/**
 * The learning rate at which each arm ended with the least loss on held-out scenes, of 3e-4, 1e-3 and 3e-3, over seeds 101 and 102:
 * `ablation-rates --profile standard --seed 101`, reports/published/ablation-rates. A comparison at a rate that suits one arm favours it.
 */
const RATES: Readonly<Record<string, number>> = {
  proposed: 1e-3,
  gaussian: 1e-3,
  lite: 1e-3,
  random: 1e-3,
  'random-gaussian': 1e-3,
  mlp: 3e-3,
};
/** The arms, each at its own rate. */
export const tuned: readonly Arm[] = arms.map((arm) => ({ ...arm, recipe: { learningRate: RATES[arm.id]! } }));
export const FIGURE_8: readonly string[] = ['proposed', 'gaussian', 'lite'];

/**
 * The rate is that of the base model's own training. It decides how long control takes to appear: at half of it ControlNet still draws what
 * the base model draws after 320 steps of 8 (edge F1 0.65), at this rate it follows its condition after 200 (0.92).
 */
export const recipe: Recipe = {
  examples: 4096,
  batchSize: 8,
  steps: 320,
  learningRate: 1e-3,
  warmup: 40,
  schedule: 'constant',
  promptDrop: 0.5,
  timesteps: 'stratified',
  weightDecay: 0.01,
  ema: null,
};

/** The loss of trained controls: timesteps from little noise to almost nothing else. */
export const heldOut: LossSize = { scenes: 64, timesteps: [125, 375, 625, 875] };

const quick: Profile = {
  base: 'mini',
  conditions: ['canny'],
  seeds: 1,
  recipe,
  follow: { images: 16, steps: 10, every: 20 },
  drawn: { singles: 24, pairs: 8, steps: 10, solver: 'dpm++2m', guidance: 3 },
  shown: { singles: 6, pairs: 2 },
};

/** The profiles of comparisons that draw: minutes, hours, and seconds. */
export const profiles = {
  quick,
  standard: {
    base: 'mini',
    conditions: ['scribble', 'canny', 'mask'],
    seeds: 6,
    recipe: { ...recipe, examples: 16384, steps: 400 },
    follow: { images: 16, steps: 10, every: 20 },
    drawn: { singles: 96, pairs: 12, steps: 10, solver: 'dpm++2m', guidance: 3, ownScenes: true },
    heldOut,
    shown: { singles: 6, pairs: 2 },
  },
  /** Every part in seconds: for tests, and to see whether a machine can do it. Its numbers say nothing. */
  tiny: {
    ...quick,
    recipe: { ...recipe, examples: 64, batchSize: 4, steps: 8, warmup: 2 },
    follow: { images: 2, steps: 2, every: 4 },
    drawn: { singles: 2, pairs: 1, steps: 2, guidance: 3 },
    heldOut: { scenes: 2, timesteps: [500] },
    shown: { singles: 2, pairs: 1 },
  },
} satisfies Record<string, Profile>;

/** Of experiments that draw nothing after training. */
const UNDRAWN = { drawn: { singles: 1, pairs: 0, steps: 1, guidance: 1 }, shown: { singles: 0, pairs: 0 } } as const;

/** Profiles of hours without pictures: trainings that are told apart by their loss at the end, and such that are followed closely. */
export const undrawn = {
  byLoss: {
    ...UNDRAWN,
    base: 'mini',
    conditions: ['scribble'],
    seeds: 6,
    recipe: { ...recipe, examples: 16384, steps: 400 },
    follow: { images: 2, steps: 2, every: 200 },
    heldOut,
  },
  byCourse: {
    ...UNDRAWN,
    base: 'mini',
    conditions: ['canny'],
    seeds: 6,
    recipe: { ...recipe, examples: 16384, steps: 400 },
    follow: { images: 16, steps: 10, every: 10, loss: { scenes: 16, timesteps: heldOut.timesteps, signals: true } },
  },
} satisfies Record<string, Profile>;
