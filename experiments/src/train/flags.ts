import { Command, InvalidArgumentError, Option } from 'commander';
import { explainUnknown, finite, integer, named, providerOption, repeatable, seed, share } from '@controllab/command-line';
import type { DataFormat } from '@controllab/data';
import { MEMBERS, MINI } from '@controllab/mini-sd/names';
import { providers, type Provider } from '@controllab/tfjs-onnx';
import { diffusersSchedules } from '@controllab/training';
import { guidance } from '../generate/options.ts';
import { explainFlag } from './diffusers-flags.ts';
import { methodNames, type MethodName } from './methods.ts';

/** Formats of data, as `openUserData` takes them: its package takes its time to load. */
export const dataFormats = ['folder', 'csv', 'jsonl', 'imagefolder', 'parquet', 'webdataset'] as const satisfies readonly DataFormat[];

/** What a control sees: edges of each picture, the pictures of the data's condition column, or what a program or a model makes of it. */
export const conditionSources = ['canny', 'column', 'command', 'onnx'] as const;

/** What is written beside the weights in their own layout. */
export const exports = ['cldm', 'onnx'] as const;

/** What commander makes of the flags; names and defaults are those of diffusers' train_controlnet.py where it has them. */
export interface TrainFlags {
  config?: string;
  method: MethodName;
  controlnetModelNameOrPath?: string;
  base: string;
  baseConfig?: string;
  data?: string;
  dataFormat?: DataFormat;
  imageColumn?: string;
  captionColumn?: string;
  conditioningImageColumn?: string;
  captions: 'required' | 'none';
  onBadRow: 'stop' | 'skip';
  allowOutside: boolean;
  maxTrainSamples?: number;
  control: (typeof conditionSources)[number];
  conditionCommand?: string;
  conditionModel?: string;
  out?: string;
  resolution?: number;
  crop: 'center' | 'random';
  aspectBuckets: boolean;
  bucketStep?: number;
  encoding?: string;
  trainBatchSize: number;
  gradientAccumulationSteps: number;
  gradientCheckpointing: boolean;
  maxTrainSteps?: number;
  numTrainEpochs?: number;
  learningRate: number;
  lrScheduler: (typeof diffusersSchedules)[number];
  lrWarmupSteps: number;
  lrNumCycles: number;
  lrPower: number;
  adamBeta1: number;
  adamBeta2: number;
  adamWeightDecay: number;
  adamEpsilon: number;
  maxGradNorm: number;
  snrGamma?: number;
  timesteps: 'uniform' | 'stratified';
  proportionEmptyPrompts: number;
  ema?: number;
  seed: number;
  validationPrompt?: string[];
  validationImage?: string[];
  numValidationImages: number;
  validationSteps: number;
  validationInferenceSteps: number;
  validationGuidance?: number;
  validation: boolean;
  checkpointingSteps: number;
  checkpointsTotalLimit: number;
  saveDtype: 'F32' | 'F16';
  export?: (typeof exports)[number][];
  provider: Provider;
  threads?: number;
  store?: string;
  dryRun: boolean;
}

/** Defaults that whoever refuses other values holds them against: a config file has every flag, given or not. */
export const DEFAULTS = { lrWarmupSteps: 500, numValidationImages: 1, validationSteps: 100, validationInferenceSteps: 20 } as const;

/** A number from 0 to below 1. */
function belowOne(text: string): number {
  const value = share(text);
  if (value === 1) throw new InvalidArgumentError('Expected a number from 0 to below 1.');
  return value;
}

/** A number above 0 and below 1. */
function between(text: string): number {
  const value = share(text);
  if (value === 0 || value === 1) throw new InvalidArgumentError('Expected a number between 0 and 1.');
  return value;
}

const positive = (text: string): number => {
  const value = finite(0)(text);
  if (value === 0) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
};

const dataFlags = (command: Command): Command =>
  command
    .option(
      '--data <path|name>',
      'images with captions: CSV, JSON lines, parquet, webdataset, image folder, zip, tar; or emoji-scenes or fill50k, made up as they are read',
      named,
    )
    .addOption(new Option('--data-format <name>', 'of the data, where its name does not say it').choices(dataFormats))
    .option('--image-column <name>', 'column of the pictures', named)
    .option('--caption-column <name>', 'column of the captions', named)
    .option('--conditioning-image-column <name>', 'column of the conditions, for --control column', named)
    .addOption(new Option('--captions <rule>', 'none: train without captions').choices(['required', 'none']).default('required'))
    .addOption(new Option('--on-bad-row <what>', 'what to do with a row that cannot be read').choices(['stop', 'skip']).default('stop'))
    .option('--allow-outside', 'follow paths of the data that lead out of its folder', false)
    .option('--max-train-samples <count>', 'train on the first so many', integer(1))
    .addOption(new Option('--control <what>', 'what the control sees').choices(conditionSources).default('canny'))
    .option(
      '--condition-command <words>',
      'for --control command: a program that reads the picture {in} and writes its condition {out}, such as "./edges.sh {in} {out}"; no shell reads it, and a JSON array holds words with spaces',
      named,
    )
    .option(
      '--condition-model <file>',
      'for --control onnx: an ONNX model from a picture to a picture, [1, 3, H, W] in [0, 1] or bytes',
      named,
    )
    .addOption(new Option('--crop <where>', 'which part of a picture is kept').choices(['center', 'random']).default('center'))
    .option('--aspect-buckets', 'cut to the nearest of several proportions, all of about as many pixels, in place of squares', false)
    .option(
      '--bucket-step <pixels>',
      'what sides of buckets are multiples of; by default what the base needs, 64 for Stable Diffusion',
      integer(1),
    )
    .option('--encoding <name>', 'of captions that are not UTF-8', named)
    .option('--resolution <pixels>', "side of the pictures; by default the base's own", integer(8));

const optimizerFlags = (command: Command): Command =>
  command
    .option('--learning-rate <number>', 'highest learning rate', between, 5e-6)
    .addOption(new Option('--lr-scheduler <name>', "diffusers' schedules").choices(diffusersSchedules).default('constant'))
    .option('--lr-warmup-steps <count>', 'steps of warm-up, which constant has none of', integer(0), DEFAULTS.lrWarmupSteps)
    .option('--lr-num-cycles <count>', 'restarts of cosine_with_restarts', integer(1), 1)
    .option('--lr-power <number>', 'power of polynomial', positive, 1)
    .option('--adam-beta1 <share>', "decay of AdamW's first moment", belowOne, 0.9)
    .option('--adam-beta2 <share>', "decay of AdamW's second moment", belowOne, 0.999)
    .option('--adam-weight-decay <number>', "AdamW's weight decay", finite(0), 0.01)
    .option('--adam-epsilon <number>', "AdamW's epsilon", positive, 1e-8)
    .option('--max-grad-norm <number>', 'norm to which longer gradients are cut, 0 for none', finite(0), 1)
    .option('--ema <decay>', 'keep averaged weights', between);

const recipeFlags = (command: Command): Command =>
  optimizerFlags(
    command
      .option('--train-batch-size <count>', 'examples of a batch', integer(1), 4)
      .option('--gradient-accumulation-steps <count>', 'batches of a step', integer(1), 1)
      .option('--gradient-checkpointing', 'less memory for about a third more work', false)
      .option('--max-train-steps <count>', 'steps, in place of epochs', integer(1))
      .option('--num-train-epochs <count>', 'times that every example is seen (default: 1)', integer(1)),
  )
    .option('--snr-gamma <number>', 'min-SNR weighting of the loss; 5 is usual', positive)
    .addOption(
      new Option('--timesteps <rule>', 'independent, or one from each equal part of the schedule')
        .choices(['uniform', 'stratified'])
        .default('uniform'),
    )
    .option('--proportion-empty-prompts <share>', 'share of captions replaced by the empty prompt', share, 0)
    .option('--seed <integer>', 'seed of initialisation, data order and noise', seed, 1);

const validationFlags = (command: Command): Command =>
  command
    .option('--validation-prompt <text>', 'drawn while training; by default captions of the data', repeatable(String))
    .option(
      '--validation-image <file>',
      'the picture that --control canny, command or onnx makes the condition of, with column the condition itself; one for each prompt, or for all',
      repeatable(named),
    )
    .option('--num-validation-images <count>', 'pictures of each prompt', integer(1), DEFAULTS.numValidationImages)
    .option('--validation-steps <count>', 'steps between drawings', integer(1), DEFAULTS.validationSteps)
    .option('--validation-inference-steps <count>', 'sampling steps of a drawing', integer(1), DEFAULTS.validationInferenceSteps)
    .option('--validation-guidance <number>', "guidance of a drawing; by default what generate's is for the base", guidance)
    .option('--no-validation', 'draw nothing while training');

const outputFlags = (command: Command): Command =>
  command
    .option('--out <folder>', 'where everything goes: a new or empty folder, or that of the same training, which goes on', named)
    .option('--checkpointing-steps <count>', 'steps between checkpoints', integer(1), 500)
    .option('--checkpoints-total-limit <count>', 'newest checkpoints that are kept', integer(2), 2)
    .addOption(new Option('--save-dtype <type>', 'how the weights are stored').choices(['F32', 'F16']).default('F32'))
    .addOption(new Option('--export <layout...>', 'what else is written: a single file of the original layout, ONNX').choices(exports))
    .addOption(providerOption(providers))
    .option('--threads <count>', 'threads of every computation; all cores by default', integer(1))
    .option('--store <folder>', 'where latents are kept, shared by all trainings (default: runs/store)', named)
    .option('--dry-run', 'say what it takes in memory, time and disk, and train nothing', false);

/** The command with its flags; it does nothing yet. */
export function trainFlags(): Command {
  const command = [dataFlags, recipeFlags, validationFlags, outputFlags].reduce(
    (before, add) => add(before),
    new Command('train')
      .description('Trains a control network on your own images; the same command goes on where it was interrupted.')
      .option('--config <file>', 'JSON with any of these flags by their names, such as the train.json of another training', named)
      .addOption(new Option('--method <name>', 'what is trained').choices(methodNames).default('controlnet'))
      .option(
        '--controlnet-model-name-or-path <path>',
        "a trained control to go on from, such as a published ControlNet's folder or an earlier --out: anything that generate --controlnet opens, of the same --method",
        named,
      )
      .option(
        '--base <name|directory|file>',
        `${MINI}, a community model of it (${MINI}:STYLE), a smaller one (${Object.keys(MEMBERS).join(', ')}), a diffusers directory or an LDM file`,
        named,
        MINI,
      )
      .option('--base-config <directory>', 'for a single file: a diffusers directory with the configs and the tokenizer', named),
  );
  const own = command.options.map(({ long }) => long!);
  return explainUnknown(command, (flag, nearest) => explainFlag(flag, nearest, own));
}
