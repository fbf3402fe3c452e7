import path from 'node:path';
import type { Base, LoraRequest } from '@controllab/base-model';
import { shellText } from '@controllab/command-line';
import { sigmaRulesOf, type SigmaRule, type SolverName } from '@controllab/diffusion';
import { isMini } from '@controllab/mini-sd/names';
import type { GenerateOptions } from '../options.ts';
import type { PictureText } from './picture-file.ts';

/** One of the pictures of a command. */
export interface PictureRequest {
  readonly prompt: string;
  /** Null: none. */
  readonly negativePrompt: string | null;
  readonly seed: number;
  /** Of each control the image file that it sees, as it was typed. */
  readonly conditions: readonly string[];
}

/** What all pictures of a command have in common. */
export interface Drawn {
  readonly options: GenerateOptions;
  readonly base: Base;
  readonly size: { readonly width: number; readonly height: number };
  /** Those of the command and of tags in prompts. */
  readonly loras: readonly LoraRequest[];
}

/** A1111's names of the solvers; one that it does not have is named as here. */
const SAMPLER_NAMES: Readonly<Record<SolverName, string>> = {
  ddim: 'DDIM',
  euler: 'Euler',
  'euler-a': 'Euler a',
  heun: 'Heun',
  lms: 'LMS',
  pndm: 'PNDM',
  'dpm++2m': 'DPM++ 2M',
  unipc: 'UniPC',
  ddpm: 'DDPM',
};

const nameOf = (file: string): string => path.basename(file).replace(/\.(safetensors|pth|ckpt|pt)$/, '');

/** A value of A1111's text: in quotation marks where it holds what separates values. */
const quoted = (text: string): string => (/[,\n:]/.test(text) ? JSON.stringify(text) : text);

/** A control as the ControlNet extension of A1111 writes it: pairs within one value, so that a name holds none of its signs. */
function controlField({ controlnet, extractor, scale, start, end }: GenerateOptions['controls'][number], guess: boolean): string {
  const fields = {
    Module: extractor,
    Model: nameOf(controlnet).replaceAll(/[,:"\n]/g, '_'),
    Weight: scale,
    'Resize Mode': 'Just Resize',
    ...(extractor === 'canny' ? { 'Threshold A': 100, 'Threshold B': 200 } : {}),
    'Guidance Start': start,
    'Guidance End': end,
    'Control Mode': guess ? 'ControlNet is more important' : 'Balanced',
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
}

/** A1111's names of how noise levels are laid; where none stands, it takes what it thinks best for the solver. */
const SCHEDULE_TYPES: Readonly<Partial<Record<SigmaRule, string>>> = {
  timesteps: 'Uniform',
  karras: 'Karras',
  exponential: 'Exponential',
  beta: 'Beta',
};

/** Of solvers that have a choice. */
function scheduleType(sampler: SolverName, rule: SigmaRule): Record<string, string> {
  const rules = sigmaRulesOf(sampler);
  const name = SCHEDULE_TYPES[rules.includes(rule) ? rule : 'timesteps'];
  return rules.length === 1 || name === undefined ? {} : { 'Schedule type': name };
}

/**
 * How a picture was made as A1111 writes it: the prompt, the negative prompt, and a line of settings, which its PNG info, civitai and
 * others read. Values with a comma or a colon stand in quotation marks (its `infotext_utils.quote`).
 */
function parametersText({ options, base, size, loras }: Drawn, { prompt, negativePrompt, seed }: PictureRequest): string {
  const { model, vae, controls, guessMode, steps, guidance, guidanceRescale, sampler, sampling, clipSkip } = options;
  const fields: Record<string, string | number> = {
    Steps: steps,
    Sampler: sampler === 'pndm' && base.sampling.skipPrkSteps ? 'PLMS' : SAMPLER_NAMES[sampler],
    ...scheduleType(sampler, sampling.sigmas ?? base.sampling.sigmas ?? 'timesteps'),
    // 0 is no guidance here as in diffusers, which A1111 calls 1.
    'CFG scale': Math.max(1, guidance),
    Seed: seed,
    Size: `${size.width}x${size.height}`,
    ...(isMini(model) ? { 'Model hash': base.hashes['unet']!.slice(0, 10) } : {}),
    Model: isMini(model) ? base.id : nameOf(model),
    ...(vae === null ? {} : { VAE: path.basename(vae) }),
    // A1111 counts the last layer, which is not skipped.
    ...(clipSkip > 0 ? { 'Clip skip': clipSkip + 1 } : {}),
    ...(guidanceRescale > 0 ? { 'CFG rescale': guidanceRescale } : {}),
    ...(loras.length > 0 ? { Loras: loras.map(({ file, weight }) => `${nameOf(file)}: ${weight}`).join(', ') } : {}),
    ...Object.fromEntries(controls.map((control, i) => [`ControlNet ${i}`, controlField(control, guessMode)])),
    Version: 'controllab',
  };
  const settings = Object.entries(fields).map(([name, value]) => `${name}: ${quoted(String(value))}`);
  const text = (words: string): string => (options.promptSyntax === 'plain' ? words.replaceAll(/[\\()[\]]/g, '\\$&') : words);
  return [text(prompt), ...(negativePrompt ? [`Negative prompt: ${text(negativePrompt)}`] : []), settings.join(', ')].join('\n').trim();
}

/** The command that draws this picture alone. Paths are as they were typed: relative to the folder that it was called from. */
function commandOf({ options, size }: Drawn, { prompt, negativePrompt, seed, conditions }: PictureRequest): string {
  const {
    model,
    config,
    vae,
    prediction,
    controls,
    guessMode,
    steps,
    guidance,
    guidanceRescale,
    sampler,
    sampling,
    loras,
    loraDir,
    clipSkip,
    promptSyntax,
    provider,
  } = options;
  const flags: [name: string, value: string | number | null][] = [
    ['model', model],
    ['config', config],
    ['vae', vae],
    ['prediction', prediction],
    ...loras.map(({ file, weight }): [string, string] => ['lora', `${file}:${weight}`]),
    ['lora-dir', loraDir],
    ['clip-skip', clipSkip === 0 ? null : clipSkip],
    ['prompt', prompt],
    ['negative-prompt', negativePrompt],
    ['prompt-syntax', promptSyntax],
    ...controls.flatMap(({ controlnet, extractor, scale, start, end }, i): [string, string | number][] => [
      ['controlnet', controlnet],
      ['condition', conditions[i]!],
      ['extractor', extractor],
      ['conditioning-scale', scale],
      ['control-start', start],
      ['control-end', end],
    ]),
    ['seed', seed],
    ['steps', steps],
    ['guidance', guidance],
    ['guidance-rescale', guidanceRescale === 0 ? null : guidanceRescale],
    ['sampler', sampler],
    ['spacing', sampling.spacing ?? null],
    ['width', size.width],
    ['height', size.height],
    ['provider', provider],
  ];
  const words = flags.flatMap(([name, value]) => (value === null ? [] : [`--${name}`, String(value)]));
  const switches = [
    ...(guessMode ? ['--guess-mode'] : []),
    ...(sampling.sigmas === undefined ? [] : [sampling.sigmas === 'karras' ? '--karras' : '--no-karras']),
  ];
  return shellText(['npx', 'controllab', 'generate', ...words, ...switches]);
}

/** The settings that a picture can be made again from: A1111's text, the command, and each by a name of its own. */
export function describePicture(drawn: Drawn, request: PictureRequest): PictureText {
  const { options, base, size, loras } = drawn;
  const { model, config, vae, prediction, controls, guessMode, steps, guidance, guidanceRescale, sampler, clipSkip } = options;
  const { prompt, negativePrompt, seed, conditions } = request;
  const more = {
    prompt,
    ...(negativePrompt === null ? {} : { 'negative prompt': negativePrompt }),
    model: isMini(model) ? `${base.id}, U-Net ${base.hashes['unet']!.slice(0, 12)}` : model,
    ...(config === null ? {} : { config }),
    ...(vae === null ? {} : { vae }),
    ...(prediction === null ? {} : { prediction }),
    ...Object.fromEntries(loras.map(({ file, weight }, i) => [`lora ${i + 1}`, `${file}, weight ${weight}`])),
    ...Object.fromEntries(
      controls.map(({ controlnet, extractor, scale, start, end }, i) => [
        `control ${i + 1}`,
        `${controlnet}, condition ${conditions[i]}, extractor ${extractor}, scale ${scale}${start === 0 && end === 1 ? '' : `, from ${start} to ${end}`}`,
      ]),
    ),
    ...(clipSkip > 0 ? { 'clip skip': String(clipSkip) } : {}),
    ...(guessMode ? { 'guess mode': 'on' } : {}),
    ...(guidanceRescale > 0 ? { 'guidance rescale': String(guidanceRescale) } : {}),
    settings: `seed ${seed}, ${steps} steps, guidance ${guidance}, sampler ${sampler}, ${size.width} x ${size.height}`,
  };
  return { parameters: parametersText(drawn, request), command: commandOf(drawn, request), more };
}
