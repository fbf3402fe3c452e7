import { Command, InvalidArgumentError, Option } from 'commander';
import type { Provider } from '@controllab/tfjs-onnx';
import { parseFlags, providerOption, seed } from '../runner/command.ts';
import { ExperimentError } from '../runner/errors.ts';

/** How a condition is made from a user's image: as it is, or its Canny edges (OpenCV's with thresholds 100 and 200). */
export const extractors = ['none', 'canny'] as const;
export type Extractor = (typeof extractors)[number];

export const samplers = ['ddim', 'euler', 'dpm++2m', 'unipc'] as const;
export type SamplerName = (typeof samplers)[number];

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
  /** diffusers directory, or a single LDM file together with `config`. */
  model: string;
  /** For a single file: a diffusers directory with the configs and the tokenizer; its weights are not read. */
  config: string | null;
  prompt: string;
  /** Null: none given, which SDXL takes as a zero embedding. */
  negativePrompt: string | null;
  controls: readonly ControlRequest[];
  /** Control on the conditional half alone, deeper connections weighing more. */
  guessMode: boolean;
  seed: number;
  steps: number;
  /** Classifier-free guidance; 1 runs the conditional half alone. */
  guidance: number;
  sampler: SamplerName;
  /** Pixels; null: the first condition's size, or the size the model was trained on. */
  width: number | null;
  height: number | null;
  provider: Provider;
  /** The PNG to write. */
  out: string;
}

const number =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least) || !Number.isFinite(value))
      throw new InvalidArgumentError(`Expected a number of at least ${least}.`);
    return value;
  };

const count = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Expected a whole number of at least 1.');
  return Number(text);
};

/** A flag that can be given several times. */
const each =
  <T>(parse: (text: string) => T) =>
  (text: string, before: readonly T[] | undefined): T[] => [...(before ?? []), parse(text)];

interface Flags extends Omit<GenerateOptions, 'controls' | 'config' | 'negativePrompt' | 'width' | 'height'> {
  config?: string;
  negativePrompt?: string;
  width?: number;
  height?: number;
  controlnet?: string[];
  condition?: string[];
  extractor?: Extractor[];
  conditioningScale?: number[];
}

const ONCE_OR_EACH = 'once for all, or once for each --controlnet';

/** Reads the flags of `experiments:generate`. @throws ExperimentError invalid-option with the valid values */
export function parseGenerate(argv: readonly string[]): GenerateOptions {
  const text = (value: string): string => value;
  const command = new Command('generate')
    .description('One image from a published checkpoint, with any number of ControlNets, through ONNX Runtime.')
    .requiredOption('--model <directory|file>', 'diffusers directory, or an LDM single file (.safetensors, with --config)')
    .option('--config <directory>', "for a single file: a diffusers directory with the components' config.json and the tokenizer")
    .requiredOption('--prompt <text>', 'what to paint')
    .option('--negative-prompt <text>', 'what not to paint')
    .option('--controlnet <directory|file>', 'ControlNet: diffusers directory, or a cldm single file; several are added', each(text))
    .option('--condition <image>', 'the image it sees, one for each --controlnet', each(text))
    .addOption(new Option('--extractor <name...>', `how the condition is made from the image; ${ONCE_OR_EACH}`).choices(extractors))
    .option('--conditioning-scale <number>', `strength of a control, 1 by default; ${ONCE_OR_EACH}`, each(number(0)))
    .option(
      '--guess-mode',
      'control without a prompt: on the conditional half alone, from a tenth at the finest connection to all at the deepest',
      false,
    )
    .option('--seed <integer>', 'seed of the initial noise', seed, 1)
    .option('--steps <integer>', 'sampling steps', count, 20)
    .option('--guidance <number>', 'classifier-free guidance scale; 1 for none', number(1), 7.5)
    .addOption(new Option('--sampler <name>', 'how the noise is removed').choices(samplers).default('ddim'))
    .option('--width <pixels>', "by default the condition's, or the model's own", count)
    .option('--height <pixels>', "by default the condition's, or the model's own", count)
    .addOption(providerOption())
    .option('--out <file>', 'the PNG to write', 'runs/generate/image.png');
  const {
    controlnet = [],
    condition = [],
    extractor = [],
    conditioningScale = [],
    config = null,
    negativePrompt = null,
    width = null,
    height = null,
    ...flags
  } = parseFlags<Flags>(command, argv);

  const fail = (message: string): never => {
    throw new ExperimentError('invalid-option', `generate: ${message}`, { argv });
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
  return {
    ...flags,
    config,
    negativePrompt,
    width,
    height,
    controls: controlnet.map((file, i) => ({ controlnet: file, condition: condition[i]!, extractor: extract[i]!, scale: scales[i]! })),
  };
}
