import type { Method } from '@controllab/core-blocks';
import { stepsOfEpochs, type Recipe } from '@controllab/training';
import { ExperimentError } from '../runner/errors.ts';
import { commandWords } from './conditions/command-words.ts';
import { DEFAULTS, type TrainFlags } from './flags.ts';
import { methodOf } from './methods.ts';

/** Flags that fit together, with what must be given. */
export interface TrainSettings extends Omit<TrainFlags, 'method' | 'data' | 'out' | 'export'> {
  readonly method: Method;
  readonly data: string;
  readonly out: string;
  readonly exports: NonNullable<TrainFlags['export']>;
}

const fail = (message: string, flags: TrainFlags): never => {
  throw new ExperimentError('invalid-option', `train: ${message}`, { flags });
};

/** @throws ExperimentError invalid-option with what to give instead */
export function trainSettings(flags: TrainFlags): TrainSettings {
  const { data, out, validationPrompt: prompts = [], validationImage: images = [] } = flags;
  if (data === undefined) return fail('give --data PATH, the images to train on.', flags);
  if (out === undefined) return fail('give --out FOLDER, where everything goes.', flags);
  if (flags.maxTrainSteps !== undefined && flags.numTrainEpochs !== undefined)
    fail('give --max-train-steps or --num-train-epochs, not both.', flags);
  if ((prompts.length === 0) !== (images.length === 0)) fail('--validation-prompt and --validation-image go together.', flags);
  if (prompts.length > 1 && images.length > 1 && prompts.length !== images.length)
    fail(`${prompts.length} --validation-prompt and ${images.length} --validation-image: give as many of each, or one of either.`, flags);
  for (const [flag, isGiven] of [
    ['--validation-prompt', prompts.length > 0],
    ['--validation-guidance', flags.validationGuidance !== undefined],
    ['--validation-steps', flags.validationSteps !== DEFAULTS.validationSteps],
    ['--num-validation-images', flags.numValidationImages !== DEFAULTS.numValidationImages],
    ['--validation-inference-steps', flags.validationInferenceSteps !== DEFAULTS.validationInferenceSteps],
  ] as const)
    if (!flags.validation && isGiven) fail(`--no-validation draws nothing: leave ${flag} out.`, flags);
  if (flags.control !== 'column' && flags.conditioningImageColumn !== undefined)
    fail('--conditioning-image-column is for --control column.', flags);
  for (const [control, flag, given] of [
    ['command', '--condition-command', flags.conditionCommand],
    ['onnx', '--condition-model', flags.conditionModel],
  ] as const)
    if ((flags.control === control) !== (given !== undefined)) fail(`--control ${control} and ${flag} go together.`, flags);
  if (flags.conditionCommand !== undefined) commandWords(flags.conditionCommand);
  if (flags.captions === 'none' && flags.captionColumn !== undefined) fail('--captions none reads no --caption-column.', flags);
  if (flags.captions === 'none' && flags.proportionEmptyPrompts !== 0)
    fail('--captions none has no prompt but the empty one: leave --proportion-empty-prompts out.', flags);
  if (flags.bucketStep !== undefined && !flags.aspectBuckets) fail('--bucket-step is for --aspect-buckets.', flags);
  for (const [scheduler, flag, value] of [
    ['polynomial', '--lr-power', flags.lrPower],
    ['cosine_with_restarts', '--lr-num-cycles', flags.lrNumCycles],
  ] as const)
    if (flags.lrScheduler !== scheduler && value !== 1) fail(`${flag} is for --lr-scheduler ${scheduler}.`, flags);
  // Of 0 steps is what constant has.
  if (flags.lrScheduler === 'constant' && flags.lrWarmupSteps !== DEFAULTS.lrWarmupSteps && flags.lrWarmupSteps !== 0)
    fail('--lr-scheduler constant has no warm-up: leave --lr-warmup-steps out, or give constant_with_warmup.', flags);
  const exports = flags.export ?? [];
  if (exports.includes('onnx') && flags.saveDtype === 'F16') fail('--export onnx is written in F32: leave --save-dtype F16 out.', flags);
  const method = methodOf(flags.method);
  if (exports.length > 0 && !/^controlnet(-gaussian|-random)?$/.test(method.id))
    fail(`--export ${exports.join(' ')} is for ControlNets; --method is ${flags.method}.`, flags);
  return { ...flags, method, data, out, exports };
}

/** What to say of a warm-up that fills a training; null of any other. */
export function warmupWarning({ warmup, steps, learningRate, schedule }: Recipe): string | null {
  if (warmup < steps) return null;
  const { diffusers } = schedule as { diffusers: string };
  const decays = diffusers === 'constant_with_warmup' ? '' : `, and ${diffusers} never decays`;
  return `Warning: of ${steps} steps all are warm-up (--lr-warmup-steps ${warmup}): the learning rate never reaches ${learningRate}${decays}.`;
}

/**
 * The recipe of a data set of so many examples.
 * @param counts examples of each bucket, where a batch is of one
 */
export function recipeOf(settings: TrainSettings, examples: number, counts: readonly number[] = [examples]): Recipe {
  const { maxTrainSteps, numTrainEpochs = 1, trainBatchSize, gradientAccumulationSteps, maxGradNorm, snrGamma, ema = null } = settings;
  const { lrScheduler: diffusers, lrNumCycles: cycles, lrPower: power } = settings;
  const perStep = trainBatchSize * gradientAccumulationSteps;
  const ofEpochs = settings.aspectBuckets ? stepsOfEpochs(counts, numTrainEpochs, perStep) : numTrainEpochs * Math.ceil(examples / perStep);
  return {
    examples,
    batchSize: trainBatchSize,
    steps: maxTrainSteps ?? ofEpochs,
    learningRate: settings.learningRate,
    warmup: diffusers === 'constant' ? 0 : settings.lrWarmupSteps,
    schedule: {
      diffusers,
      ...(diffusers === 'cosine_with_restarts' ? { cycles } : {}),
      ...(diffusers === 'polynomial' ? { power } : {}),
    },
    promptDrop: settings.proportionEmptyPrompts,
    timesteps: settings.timesteps,
    weightDecay: settings.adamWeightDecay,
    ema,
    betas: [settings.adamBeta1, settings.adamBeta2],
    epsilon: settings.adamEpsilon,
    order: 'epochs',
    ...(gradientAccumulationSteps === 1 ? {} : { accumulation: gradientAccumulationSteps }),
    ...(maxGradNorm === 0 ? {} : { maxGradNorm }),
    ...(snrGamma === undefined ? {} : { snrGamma }),
  };
}
