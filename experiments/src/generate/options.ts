import { Command, Option } from 'commander';
import { finite, integer, providerOption, repeatable, seed } from '@controllab/command-line';
import { solverNames, type SolverName } from '@controllab/diffusion';
import { tiers, type Tier } from '@controllab/emoji-scenes';
import { COMMITTED_TIER, communityStyles, MINI } from '@controllab/mini-sd/names';
import { providers, type Provider } from '@controllab/tfjs-onnx';
import { ExperimentError } from '../runner/errors.ts';

/** How a condition is made from a user's image: as it is, or its Canny edges (OpenCV's with thresholds 100 and 200). */
export const extractors = ['none', 'canny'] as const;
export type Extractor = (typeof extractors)[number];

/** A control network with the image it sees. */
export interface ControlRequest {
  /** Directory or file of the control network. */
  controlnet: string;
  /** Image file. */
  condition: string;
  extractor: Extractor;
  /** Multiplies what the network adds. */
  scale: number;
}

export interface GenerateOptions {
  /** `mini` and its community models, a diffusers directory, or a single LDM file together with `config`. */
  model: string;
  /** For a single file: a diffusers directory with the configs and the tokenizer; its weights are not read. */
  config: string | null;
  prompts: readonly string[];
  /** Pictures of each prompt. */
  count: number;
  /** Null: none given, which SDXL takes as a zero embedding. */
  negativePrompt: string | null;
  controls: readonly ControlRequest[];
  /** Control on the conditional half alone, deeper connections weighing more. */
  guessMode: boolean;
  seed: number;
  steps: number;
  /** Classifier-free guidance; 1 runs the conditional half alone. */
  guidance: number;
  sampler: SolverName;
  /** Pixels; null: the first condition's size, or the size the model was trained on. */
  width: number | null;
  height: number | null;
  provider: Provider;
  /** The PNG or the folder to write; null: a new file in the folder of generated pictures. */
  out: string | null;
}

/** Whether a model's name means the embedded default. */
export const isMini = (model: string): boolean => model === MINI || model.startsWith(`${MINI}:`);

/** Guidance by default: what each kind of model draws best at. */
const GUIDANCE = { mini: 4, published: 7.5 };

/** What commander makes of the flags. */
export interface GenerateFlags {
  model: string;
  config?: string;
  tier?: Tier;
  prompt: string[];
  count: number;
  negativePrompt?: string;
  controlnet?: string[];
  condition?: string[];
  extractor?: Extractor[];
  conditioningScale?: number[];
  guessMode: boolean;
  seed: number;
  steps: number;
  guidance?: number;
  sampler: SolverName;
  width?: number;
  height?: number;
  provider: Provider;
  out?: string;
}

const ONCE_OR_EACH = 'once for all, or once for each --controlnet';

/** The command with its flags; it does nothing yet. */
export const generateFlags = (): Command =>
  new Command('generate')
    .description('Draws prompts with the embedded default or a published checkpoint, with any number of ControlNets.')
    .option(
      '--model <name|directory|file>',
      `${MINI}, the embedded default, or ${communityStyles.map((style) => `${MINI}:${style}`).join(', ')}; else a diffusers directory, or an LDM single file (.safetensors, with --config)`,
      MINI,
    )
    .option('--config <directory>', "for a single file: a diffusers directory with the components' config.json and the tokenizer")
    .addOption(new Option('--tier <name>', `pool of objects of the embedded default; only ${COMMITTED_TIER} comes trained`).choices(tiers))
    .requiredOption(
      '--prompt <text>',
      'what to draw, such as "a large dog on a red background"; give it again for more pictures',
      repeatable(String),
    )
    .option('--count <integer>', 'pictures of each prompt', integer(1), 1)
    .option('--negative-prompt <text>', 'what not to draw')
    .option(
      '--controlnet <directory|file>',
      'ControlNet: diffusers directory, a cldm single file, or weights trained here; several are added',
      repeatable(String),
    )
    .option('--condition <image>', 'the image it sees, one for each --controlnet', repeatable(String))
    .addOption(new Option('--extractor <name...>', `how the condition is made from the image; ${ONCE_OR_EACH}`).choices(extractors))
    .option('--conditioning-scale <number>', `strength of a control, 1 by default; ${ONCE_OR_EACH}`, repeatable(finite(0)))
    .option(
      '--guess-mode',
      'control without a prompt: on the conditional half alone, from a tenth at the finest connection to all at the deepest',
      false,
    )
    .option('--seed <integer>', 'seed of the initial noise', seed, 1)
    .option('--steps <integer>', 'sampling steps', integer(1), 20)
    .option(
      '--guidance <number>',
      `classifier-free guidance scale, 1 for none (default: ${GUIDANCE.mini} for the embedded default, else ${GUIDANCE.published})`,
      finite(1),
    )
    .addOption(new Option('--sampler <name>', 'how the noise is removed').choices(solverNames).default('ddim'))
    .option('--width <pixels>', "by default the condition's, or the model's own", integer(1))
    .option('--height <pixels>', "by default the condition's, or the model's own", integer(1))
    .addOption(providerOption(providers))
    .option('--out <file|folder>', 'the PNG to write, or a folder (default: a new file in runs/generate)');

/** Flags that fit together, with their defaults. @throws ExperimentError invalid-option with what to give instead */
export function generateOptions(flags: GenerateFlags): GenerateOptions {
  const {
    controlnet = [],
    condition = [],
    extractor = [],
    conditioningScale = [],
    config = null,
    width = null,
    height = null,
    tier,
  } = flags;
  const fail = (message: string): never => {
    throw new ExperimentError('invalid-option', `generate: ${message}`, { flags });
  };
  if (condition.length !== controlnet.length)
    fail(`${controlnet.length} --controlnet need as many --condition images, got ${condition.length}.`);
  const perControl = <T>(flag: string, given: readonly T[], otherwise: T): readonly T[] => {
    if (given.length > 1 && given.length !== controlnet.length)
      fail(`--${flag} was given ${given.length} times for ${controlnet.length} --controlnet; give it ${ONCE_OR_EACH}.`);
    return controlnet.map((_, i) => given[given.length > 1 ? i : 0] ?? otherwise);
  };
  const [extract, scales] = [perControl('extractor', extractor, 'none'), perControl('conditioning-scale', conditioningScale, 1)];
  if (flags.guessMode && controlnet.length === 0) fail('--guess-mode needs a --controlnet.');
  if ((width === null) !== (height === null)) fail('give --width and --height together.');
  const mini = isMini(flags.model);
  if (tier !== undefined && !mini) fail(`--tier is a pool of objects of the embedded default; --model is ${flags.model}.`);
  const pictures = flags.prompt.length * flags.count;
  if (pictures > 1 && flags.out !== undefined && isPng(flags.out)) fail(`--out names one PNG for ${pictures} pictures; name a folder.`);
  if (flags.out !== undefined && OTHER_FORMAT.test(flags.out))
    fail(`pictures are written as PNG: name a .png or a folder, got --out ${flags.out}.`);
  return {
    model: tier === undefined ? flags.model : `${flags.model}:${tier}`,
    config,
    prompts: flags.prompt,
    count: flags.count,
    negativePrompt: flags.negativePrompt ?? null,
    controls: controlnet.map((file, i) => ({ controlnet: file, condition: condition[i]!, extractor: extract[i]!, scale: scales[i]! })),
    guessMode: flags.guessMode,
    seed: flags.seed,
    steps: flags.steps,
    guidance: flags.guidance ?? (mini ? GUIDANCE.mini : GUIDANCE.published),
    sampler: flags.sampler,
    width,
    height,
    provider: flags.provider,
    out: flags.out ?? null,
  };
}

/** Names of pictures in formats that are not written. */
const OTHER_FORMAT = /\.(jpe?g|webp|gif|avif|tiff?|bmp)$/i;

/** Whether a path names a picture rather than a folder. */
export const isPng = (out: string): boolean => /\.png$/i.test(out);
