import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { LoraRequest } from '@controllab/base-model';
import { finite, integer, named, providerOption, repeatable, seed, share } from '@controllab/command-line';
import {
  sigmaRulesOf,
  solverNames,
  timestepSpacings,
  type ChosenSampling,
  type Prediction,
  type SolverName,
  type TimestepSpacing,
} from '@controllab/diffusion';
import { tiers, type Tier } from '@controllab/emoji-scenes';
import {
  COMMITTED_TIER,
  communityStyles,
  isMember,
  isMini,
  MEMBERS,
  MINI,
  shippedControls,
  type ShippedControl,
} from '@controllab/mini-sd/names';
import { providers, type Provider } from '@controllab/tfjs-onnx';
import { ExperimentError } from '../runner/errors.ts';
import { destinationOf } from './pictures/destination.ts';

/** How a condition is made from a user's image: as it is, or its Canny edges (OpenCV's with thresholds 100 and 200). */
export const extractors = ['none', 'canny'] as const;
/** What `--extractor` names. */
export type ExtractorName = (typeof extractors)[number];

/** How a prompt is read: with A1111's weights and tags, or as it stands. */
export const promptSyntaxes = ['a1111', 'plain'] as const;
export type PromptSyntax = (typeof promptSyntaxes)[number];

/** A control network with the image it sees. */
export interface ControlRequest {
  /** Directory or file of the control network. */
  controlnet: string;
  /** Image file; null: each row of the prompts file names its own. */
  condition: string | null;
  extractor: ExtractorName;
  /** Multiplies what the network adds. */
  scale: number;
  /** The share of the steps, in [0, 1], at which it begins and ends to act. */
  start: number;
  end: number;
}

export interface GenerateOptions {
  /** `mini` and its community models, a diffusers directory, or a single LDM file together with `config`. */
  model: string;
  /** For a single file: a diffusers directory with the configs and the tokenizer; its weights are not read. */
  config: string | null;
  /** An autoencoder in place of the model's: a diffusers directory or a file. */
  vae: string | null;
  /** What the network predicts, where neither file nor config says, or other than they say. */
  prediction: Prediction | null;
  /** Added to the weights; tags of prompts add more. */
  loras: readonly LoraRequest[];
  /** Where the LoRAs of tags lie. */
  loraDir: string | null;
  /** Layers at the end of a published model's text encoder that are passed over. */
  clipSkip: number;
  prompts: readonly string[];
  /** A file of more prompts. */
  promptsFile: string | null;
  promptSyntax: PromptSyntax;
  /** Pictures of each prompt. */
  count: number;
  /** Null: none given, which SDXL takes as a zero embedding. */
  negativePrompt: string | null;
  controls: readonly ControlRequest[];
  /** Control on the conditional half alone, deeper connections weighing more. */
  guessMode: boolean;
  /** Of the first picture; the others have those that follow. */
  seed: number;
  steps: number;
  /** Classifier-free guidance; 0 and 1 run the conditional half alone. */
  guidance: number;
  guidanceRescale: number;
  sampler: SolverName;
  /** In place of what the model's scheduler config asks for. */
  sampling: ChosenSampling;
  /** Pixels; null: the first condition's size, or the size the model was trained on. */
  width: number | null;
  height: number | null;
  provider: Provider;
  /** The picture or the folder to write; null: a new file in the folder of generated pictures. */
  out: string | null;
  overwrite: boolean;
  /** One image of all pictures beside them. */
  sheet: boolean;
  /** A folder for what the controls saw of each picture; null: not kept. */
  saveConditions: string | null;
}

/** What a network may predict: the noise, the velocity, or the picture. */
const predictions: readonly Prediction[] = ['epsilon', 'v', 'sample'];

/** Whether it is the embedded default's own U-Net, or a community's: of a smaller one there is neither another pool nor a control. */
const isWhole = (model: string): boolean => isMini(model) && !isMember(model);

/** Guidance by default: what each kind of model draws best at. */
const GUIDANCE = { mini: 4, published: 7.5 };

export const guidanceOf = (model: string): number => (isMini(model) ? GUIDANCE.mini : GUIDANCE.published);

/** What commander makes of the flags. */
export interface GenerateFlags {
  model: string;
  config?: string;
  vae?: string;
  prediction?: Prediction;
  tier?: Tier;
  lora?: LoraRequest[];
  loraDir?: string;
  clipSkip: number;
  prompt?: string[];
  prompts?: string;
  promptSyntax: PromptSyntax;
  count: number;
  negativePrompt?: string;
  control?: ShippedControl[];
  controlnet?: string[];
  condition?: string[];
  extractor?: ExtractorName[];
  conditioningScale?: number[];
  controlStart?: number[];
  controlEnd?: number[];
  guessMode: boolean;
  seed: number;
  steps: number;
  guidance?: number;
  guidanceRescale: number;
  sampler: SolverName;
  spacing?: TimestepSpacing;
  karras?: boolean;
  width?: number;
  height?: number;
  provider: Provider;
  out?: string;
  overwrite: boolean;
  sheet: boolean;
  saveConditions?: string;
}

function shipped(text: string): ShippedControl {
  const name = shippedControls.find((known) => known === text);
  if (name === undefined)
    throw new InvalidArgumentError(
      `Allowed choices are ${shippedControls.join(', ')}; for another control give --controlnet FILE with its map as --condition.`,
    );
  return name;
}

const ONCE_OR_EACH = 'once for all, or once for each --controlnet';

/** FILE, or FILE:WEIGHT. */
function lora(text: string): LoraRequest {
  const [, file = '', weight = '1'] = /^(.*?)(?::([^:/\\]*))?$/s.exec(text) ?? [];
  const value = Number(weight);
  if (file === '' || weight.trim() === '' || !Number.isFinite(value))
    throw new InvalidArgumentError('Expected FILE or FILE:WEIGHT with a number.');
  return { file, weight: value };
}

/** A seed; -1 is one that nobody chose, low enough that those of many pictures can follow it. */
const seedOrAny = (text: string): number => (text === '-1' ? randomInt(2 ** 31) : seed(text));

/** Reads guidance: 0 and 1 for none, as in diffusers, or more than 1. */
export function guidance(text: string): number {
  const value = finite(0)(text);
  if (value > 0 && value < 1) throw new InvalidArgumentError('Expected 0 or 1 for no guidance, or more than 1.');
  return value;
}

const modelFlags = (command: Command): Command =>
  command
    .option(
      '--model <name|directory|file>',
      `${MINI}, the embedded default, or ${[...communityStyles.map((style) => `${MINI}:${style}`), ...Object.keys(MEMBERS)].join(', ')}; else a diffusers directory, or an LDM single file (.safetensors, with --config)`,
      named,
      MINI,
    )
    .option('--config <directory>', "for a single file: a diffusers directory with the components' config.json and the tokenizer", named)
    .option('--vae <directory|file>', "an autoencoder in place of the model's, or for a file that has none", named)
    .addOption(new Option('--prediction <name>', 'what the network predicts, where neither file nor config says so').choices(predictions))
    .addOption(new Option('--tier <name>', `pool of objects of the embedded default; only ${COMMITTED_TIER} comes trained`).choices(tiers))
    .option(
      '--lora <file:weight>',
      'a LoRA for a published model, its file or folder, and its weight, 1 by default; several are added',
      repeatable(lora),
    )
    .option('--lora-dir <folder>', 'where <lora:NAME:WEIGHT> of a prompt finds NAME.safetensors', named)
    .option(
      '--clip-skip <layers>',
      "layers at the end of a published model's text encoder that are passed over, as diffusers counts them: A1111's Clip skip 2 is 1 here",
      integer(0),
      0,
    );

const promptFlags = (command: Command): Command =>
  command
    .option(
      '--prompt <text>',
      'what to draw, such as "a large dog on a red background"; give it again for more pictures',
      repeatable(String),
    )
    .option(
      '--prompts <file>',
      'more of them: .txt with one a line, .csv or .jsonl with prompt and, where a row has its own, negative_prompt, seed and condition (a picture, from the folder of the file; in .jsonl a list for several controls)',
      named,
    )
    .addOption(
      new Option(
        '--prompt-syntax <name>',
        'a1111: (word) and (word:1.3) weigh words, [word] less, \\( is a bracket; plain: prompts are read as they stand',
      )
        .choices(promptSyntaxes)
        .default('a1111'),
    )
    .option('--negative-prompt <text>', 'what not to draw')
    .option('--count <integer>', 'pictures of each prompt', integer(1), 1);

const controlFlags = (command: Command): Command =>
  command
    .addOption(
      new Option('--control <name>', 'a control that comes with the embedded default; the edges of its --condition are what it sees')
        .choices(shippedControls)
        .argParser(repeatable(shipped)),
    )
    .option(
      '--controlnet <directory|file>',
      `ControlNet or ControlNeXt: diffusers directory, a published single file, or weights trained here; several are added (${shippedControls.join(', ')}: those of --control)`,
      repeatable(named),
    )
    .option('--condition <image>', 'the image it sees, one for each --controlnet; or the rows of --prompts name theirs', repeatable(named))
    .addOption(new Option('--extractor <name...>', `how the condition is made from the image; ${ONCE_OR_EACH}`).choices(extractors))
    .option('--conditioning-scale <number>', `strength of a control, 1 by default; ${ONCE_OR_EACH}`, repeatable(finite(0)))
    .option(
      '--control-start <share>',
      `share of the steps at which a control begins to act, 0 by default; ${ONCE_OR_EACH}`,
      repeatable(share),
    )
    .option('--control-end <share>', `share of the steps at which it ends to act, 1 by default; ${ONCE_OR_EACH}`, repeatable(share))
    .option(
      '--guess-mode',
      'control without a prompt: on the conditional half alone, from a tenth at the finest connection to all at the deepest',
      false,
    );

const samplingFlags = (command: Command): Command =>
  command
    .option('--seed <integer>', 'seed of the first picture, -1 for any; each one after it has the next', seedOrAny, 1)
    .option('--steps <integer>', 'sampling steps', integer(1), 20)
    .option(
      '--guidance <number>',
      `classifier-free guidance scale, 0 or 1 for none (default: ${GUIDANCE.mini} for the embedded default, else ${GUIDANCE.published})`,
      guidance,
    )
    .option('--guidance-rescale <share>', 'how far guided predictions get back the spread of unguided ones', share, 0)
    .addOption(new Option('--sampler <name>', 'how the noise is removed').choices(solverNames).default('ddim'))
    .addOption(
      new Option('--spacing <name>', "which timesteps are visited; by default as the model's config says").choices(timestepSpacings),
    )
    .option('--karras', "Karras' noise levels; by default as the model's config says")
    .option('--no-karras', 'the noise levels of the timesteps, whatever the config says');

const outputFlags = (command: Command): Command =>
  command
    .option('--width <pixels>', "by default the condition's, or the model's own", integer(1))
    .option('--height <pixels>', "by default the condition's, or the model's own", integer(1))
    .addOption(providerOption(providers))
    .option(
      '--out <file|folder>',
      'the .png, .jpg or .webp to write, or a folder, which gets a captions.csv too (default: a new file in runs/generate)',
      named,
    )
    .option('--overwrite', 'write over a file that is no picture of ours', false)
    .option('--no-sheet', 'no contact sheet beside several pictures')
    .option(
      '--save-conditions <folder>',
      'where what the control saw of each picture is kept, under the picture’s name, for evaluate --condition; of several controls in 1/, 2/, ...',
      named,
    );

/** The command with its flags; it does nothing yet. */
export const generateFlags = (): Command =>
  [modelFlags, promptFlags, controlFlags, samplingFlags, outputFlags].reduce(
    (command, add) => add(command),
    new Command('generate').description(
      'Draws prompts with the embedded default or a published checkpoint, with any number of ControlNets.',
    ),
  );

const fail = (message: string, flags: GenerateFlags): never => {
  throw new ExperimentError('invalid-option', `generate: ${message}`, { flags });
};

/** Controls with what each is given. */
function controlsOf(flags: GenerateFlags): ControlRequest[] {
  const { control = [], condition = [], extractor = [], conditioningScale = [], controlStart = [], controlEnd = [] } = flags;
  if (control.length > 0 && !isWhole(flags.model))
    fail(`--control ${control[0]} is one of ${MINI}'s U-Net; --model is ${flags.model}: give a --controlnet.`, flags);
  const controlnet = [...control, ...(flags.controlnet ?? [])];
  const ofRows = condition.length === 0 && flags.prompts !== undefined && flags.prompt === undefined;
  if (condition.length !== controlnet.length && !ofRows)
    fail(
      `${controlnet.length} ${control.length > 0 ? '--control and ' : ''}--controlnet need as many --condition images, got ${condition.length}${condition.length === 0 ? '; or all prompts in a --prompts file with a column condition' : ''}.`,
      flags,
    );
  const each = <T, D>(flag: string, given: readonly T[], otherwise: D): readonly (T | D)[] => {
    if (given.length > 0 && controlnet.length === 0) fail(`--${flag} needs a --controlnet.`, flags);
    if (given.length > 1 && given.length !== controlnet.length)
      fail(`--${flag} was given ${given.length} times for ${controlnet.length} --controlnet; give it ${ONCE_OR_EACH}.`, flags);
    return controlnet.map((_, i) => given[given.length > 1 ? i : 0] ?? otherwise);
  };
  const [extract, scales] = [each('extractor', extractor, null), each('conditioning-scale', conditioningScale, 1)];
  const [starts, ends] = [each('control-start', controlStart, 0), each('control-end', controlEnd, 1)];
  return controlnet.map((file, i) => {
    const [start, end] = [starts[i]!, ends[i]!];
    if (start >= end) fail(`--control-start ${start} must be below --control-end ${end} (of ${file}).`, flags);
    return {
      controlnet: file,
      condition: ofRows ? null : condition[i]!,
      extractor: extract[i] ?? (i < control.length ? 'canny' : 'none'),
      scale: scales[i]!,
      start,
      end,
    };
  });
}

/** Solvers that take Karras' noise levels. */
const KARRAS = solverNames.filter((name) => sigmaRulesOf(name).includes('karras'));

/** Flags that fit together, with their defaults. @throws ExperimentError invalid-option with what to give instead */
export function generateOptions(flags: GenerateFlags): GenerateOptions {
  const { config = null, width = null, height = null, tier, model, guessMode, sampler, spacing, karras, guidanceRescale } = flags;
  const controls = controlsOf(flags);
  const prompts = flags.prompt ?? (guessMode && flags.prompts === undefined ? [''] : []);
  const mini = isMini(model);
  const scale = flags.guidance ?? guidanceOf(model);
  if (prompts.length === 0 && flags.prompts === undefined) fail('give a --prompt, or --prompts FILE.', flags);
  if (guessMode && controls.length === 0) fail('--guess-mode needs a --controlnet.', flags);
  if ((width === null) !== (height === null)) fail('give --width and --height together.', flags);
  if (tier !== undefined && !isWhole(model)) fail(`--tier is a pool of objects of ${MINI}; --model is ${model}.`, flags);
  if (mini && (flags.lora || flags.loraDir !== undefined)) fail(`--lora is for published models; --model is ${model}.`, flags);
  if (flags.loraDir !== undefined && flags.promptSyntax === 'plain')
    fail('--lora-dir is for <lora:...> tags, which --prompt-syntax plain reads as text: give --lora FILE:WEIGHT.', flags);
  if (mini && (flags.vae !== undefined || flags.prediction !== undefined))
    fail(`--vae and --prediction are for published models; --model is ${model}.`, flags);
  if (mini && flags.clipSkip > 0) fail(`--clip-skip is for published models; --model is ${model}.`, flags);
  if (karras && !KARRAS.includes(sampler)) fail(`--karras is for ${KARRAS.join(', ')}; --sampler is ${sampler}.`, flags);
  if (guidanceRescale > 0 && scale <= 1) fail(`--guidance-rescale needs --guidance above 1, which is ${scale}.`, flags);
  // Whether the name fits is known before the prompts of a file are.
  const destination = destinationOf(flags.out ?? null, flags.prompts === undefined ? prompts.length * flags.count : 1);
  if (flags.overwrite && 'folder' in destination)
    fail('--overwrite is for an --out that names a picture: in a folder every picture is a new file.', flags);
  if (flags.saveConditions !== undefined && controls.length === 0)
    fail('--save-conditions keeps what a control saw: give --control or --controlnet.', flags);
  if (flags.saveConditions !== undefined && 'file' in destination)
    fail('--save-conditions is for pictures in a folder, which evaluate reads: name one with --out FOLDER/.', flags);
  return {
    model: tier === undefined ? model : `${model}:${tier}`,
    config,
    vae: flags.vae ?? null,
    prediction: flags.prediction ?? null,
    loras: flags.lora ?? [],
    loraDir: flags.loraDir ?? null,
    clipSkip: flags.clipSkip,
    prompts,
    promptsFile: flags.prompts ?? null,
    promptSyntax: flags.promptSyntax,
    count: flags.count,
    negativePrompt: flags.negativePrompt ?? null,
    controls,
    guessMode,
    seed: flags.seed,
    steps: flags.steps,
    guidance: scale,
    guidanceRescale,
    sampler,
    sampling: {
      ...(spacing === undefined ? {} : { spacing }),
      ...(karras === undefined ? {} : { sigmas: karras ? 'karras' : 'timesteps' }),
    },
    width,
    height,
    provider: flags.provider,
    out: flags.out ?? null,
    overwrite: flags.overwrite,
    sheet: flags.sheet,
    saveConditions: flags.saveConditions ?? null,
  };
}
