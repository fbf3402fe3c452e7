import * as tf from '@tensorflow/tfjs';
import {
  baseModules,
  conditionSpec,
  controlOptions,
  isUNetBlock,
  parameterSpecs,
  withParameters,
  type Control,
  type Denoiser,
  type LatentSize,
  type TextEncoder,
  type Weights,
} from '@controllab/core-blocks';
import type { NamedTensors, TensorSpec } from '@controllab/tfjs-onnx';
import { TrainingError } from '../errors.ts';
import type { TrainStepDefinition } from '../train-step.ts';
import { LOSS_WEIGHTS } from './batches.ts';
import type { Recipe } from './recipe.ts';

/** A denoiser with its text encoder, and what controls it. */
export interface DenoisingModel {
  readonly denoiser: Denoiser;
  /** null: what it would give, `context`, is fed. */
  readonly text: TextEncoder | null;
  /** Frozen weights under `unet.` and `text.`, `vae.` for a control that sees latents; others are left alone. */
  readonly weights: Weights;
  readonly control: Control;
}

const startsWith = (weights: Weights, prefixes: readonly string[]): Weights =>
  Object.fromEntries(Object.entries(weights).filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix))));

/**
 * The names, with their prefix, of the base's parameters that a control trains, in the U-Net's order.
 * @throws TrainingError invalid-options when its pattern selects none: a typing mistake would otherwise train the module alone; or when the
 *   base's config has dropout, which is not done
 */
export function trainedInBase({ denoiser, control }: Pick<DenoisingModel, 'denoiser' | 'control'>): string[] {
  const pattern = control.trainsInBase;
  if (pattern === null) return [];
  const { target } = denoiser;
  const dropout = target.video ? 0 : (target.encoder.dropout ?? 0);
  if (dropout > 0)
    throw new TrainingError(
      'invalid-options',
      `the U-Net's config has a dropout of ${dropout}, which is not done: its own parameters cannot train`,
      {
        dropout,
      },
    );
  const names = Object.keys(parameterSpecs(denoiser.unet)).filter((name) => name.search(pattern) !== -1);
  if (names.length === 0)
    throw new TrainingError('invalid-options', `no parameter of the U-Net matches ${String(pattern)}`, { pattern: String(pattern) });
  return names.map((name) => `unet.${name}`);
}

/** What a text encoder gives, by the denoiser's names. */
const TEXT_INPUTS = new Set(['context', 'textEmbeds']);

/** Shapes of what `denoisingBatches` makes. @param latent height and width; the base's own without it */
export function denoisingInputs(
  { denoiser, text }: Pick<DenoisingModel, 'denoiser' | 'text'>,
  { batchSize, snrGamma }: Pick<Recipe, 'batchSize' | 'snrGamma'>,
  latent: LatentSize | undefined,
): Record<string, TensorSpec> {
  const read = Object.entries(denoiser.inputs(batchSize, latent));
  const own = Object.fromEntries(read.filter(([name]) => text === null || !TEXT_INPUTS.has(name)));
  const sample = own['sample']!;
  return {
    ...own,
    target: { shape: sample.shape },
    ...text?.inputs(batchSize),
    condition: conditionSpec(denoiser.target, sample),
    ...(snrGamma === undefined ? {} : { [LOSS_WEIGHTS]: { shape: [batchSize] } }),
  };
}

/** What of a recipe is part of the step's graph. */
type StepRecipe = Pick<Recipe, 'batchSize' | 'weightDecay' | 'ema' | 'betas' | 'epsilon' | 'accumulation' | 'maxGradNorm' | 'snrGamma'>;

/** Mean squared error [], each example's times its weight where it has one. */
function lossOf(prediction: tf.Tensor, { target, [LOSS_WEIGHTS]: weights }: NamedTensors): tf.Scalar {
  const squares = tf.squaredDifference(prediction, target!);
  if (weights === undefined) return tf.mean(squares) as tf.Scalar;
  const each = tf.mean(tf.reshape(squares, [squares.shape[0]!, -1]), 1);
  return tf.mean(tf.mul(each, weights)) as tf.Scalar;
}

/** How a step updates what it trains. */
export const updateOf = ({
  weightDecay,
  betas,
  epsilon,
  ema,
  accumulation,
  maxGradNorm,
}: Omit<StepRecipe, 'batchSize' | 'snrGamma'>): Pick<TrainStepDefinition, 'optimizer' | 'ema' | 'accumulation' | 'maxGradNorm'> => ({
  optimizer: {
    weightDecay,
    ...(betas === undefined ? {} : { beta1: betas[0], beta2: betas[1] }),
    ...(epsilon === undefined ? {} : { eps: epsilon }),
  },
  ...(ema === null ? {} : { ema }),
  ...(accumulation === undefined ? {} : { accumulation }),
  ...(maxGradNorm === undefined ? {} : { maxGradNorm }),
});

/**
 * The loss of denoising under control, mean squared error of what the prediction type asks for, as one step of AdamW: the base's weights
 * are constants, so that no gradient of theirs is even traced (the paper's locked copy), but for those that the control trains too.
 * @param setting.recompute gradient checkpointing: the insides of blocks are computed again for their gradients, in place of being kept.
 *   The same loss, gradients that differ only in the order of sums, about a third more work, and memory for one block's insides at a time.
 */
export function denoisingStep(
  model: DenoisingModel,
  recipe: StepRecipe,
  { name, latent, recompute = false }: { name: string; latent?: LatentSize; recompute?: boolean },
): TrainStepDefinition {
  const { denoiser, text, weights, control } = model;
  const inBase = trainedInBase(model);
  const unetSpecs = parameterSpecs({ unet: denoiser.unet });
  const base = baseModules(denoiser, control);
  const frozen = startsWith(weights, ['text.', ...Object.keys(base).map((part) => `${part}.`)]);
  const blocks = recompute ? { recompute: isUNetBlock } : {};
  return {
    name,
    trainable: { ...parameterSpecs({ control: control.module }), ...Object.fromEntries(inBase.map((full) => [full, unetSpecs[full]!])) },
    constants: Object.fromEntries(Object.entries(frozen).filter(([full]) => !inBase.includes(full))),
    inputs: denoisingInputs(model, recipe, latent),
    ...updateOf(recipe),
    ...(inBase.length === 0 ? {} : { rate: (full: string) => (full.startsWith('unet.') ? control.baseRate : 1) }),
    loss: ({ params, constants, inputs }) =>
      withParameters(
        { ...base, ...(text === null ? {} : { text: text.module }) },
        { ...constants, ...params },
        () =>
          withParameters(
            { control: control.module },
            params,
            () => {
              const t = { ...inputs, ...text?.encode(inputs) };
              const prediction = denoiser.predict(t, controlOptions(control, denoiser, t));
              return { loss: lossOf(prediction, inputs) };
            },
            blocks,
          ),
        blocks,
      ),
  };
}

/** Parameters from which a step of a small network is better called several times at once. */
const SEVERAL_STEPS_BELOW = 50e6;
const STEPS_PER_RUN = 10;

/** Steps that one call of the engine runs: a divisor of every count in `counts`, since evaluations and checkpoints fall between calls. */
export function stepsPerRun({ denoiser }: Pick<DenoisingModel, 'denoiser'>, counts: readonly number[]): number {
  const sizes = Object.values(parameterSpecs(denoiser.unet)).map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  return sizes.reduce((a, b) => a + b, 0) > SEVERAL_STEPS_BELOW ? 1 : severalSteps(counts);
}

/** Steps that one call of the engine runs of a small network. */
export function severalSteps(counts: readonly number[]): number {
  for (let k = STEPS_PER_RUN; k > 1; k--) if (counts.every((count) => count % k === 0)) return k;
  return 1;
}
