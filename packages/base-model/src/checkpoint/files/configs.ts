import fs from 'node:fs';
import path from 'node:path';
import {
  AutoencoderKL,
  readJson,
  UNet2DConditionModel,
  withoutGeneration,
  type AutoencoderKLConfig,
  type ClipTextConfig,
  type TextTransformerConfig,
  type UNet2DConditionConfig,
} from '@controllab/core-blocks';
import { checkConditions } from '../../architectures/denoisers.ts';
import { BaseModelError } from '../../errors.ts';
import { missingFile } from '../../missing-file.ts';
import type { SchedulerConfig } from '../scheduler-config.ts';
import type { TokenizerSetting } from '../tokenize-prompts.ts';
import { classInWords } from './file-kind.ts';

export type UNetConfig = UNet2DConditionConfig & { sample_size?: number | readonly number[] | null };

/** Everything of a checkpoint but its weights. */
export interface Configs {
  readonly unet: UNetConfig;
  readonly vae: AutoencoderKLConfig;
  readonly text: TextTransformerConfig;
  readonly text2: ClipTextConfig | null;
  readonly scheduler: SchedulerConfig;
  readonly tokenizers: readonly TokenizerSetting[];
  /** No negative prompt means a zero embedding, not that of the empty prompt. */
  readonly zeroEmpty: boolean;
}

const invalid = (message: string, values: Record<string, unknown> = {}): BaseModelError =>
  new BaseModelError('invalid-model', message, values);

/** Models in diffusers' folders that are no Stable Diffusion's, by a component that those do not have. */
const OTHERS: readonly (readonly [component: string, words: string])[] = [
  ['transformer', 'a model with a transformer in place of the U-Net (FLUX, Stable Diffusion 3, PixArt)'],
  ['prior', 'a model in several stages (Stable Cascade, Kandinsky)'],
  ['image_encoder', 'a model that takes a picture (Stable Video Diffusion, unCLIP)'],
];

/** @throws BaseModelError invalid-model naming what is there instead */
export function componentDirectory(directory: string, component: string): string {
  const full = path.join(directory, component);
  if (fs.existsSync(full)) return full;
  if (!fs.existsSync(directory)) throw invalid(missingFile('diffusers directory', directory), { directory, component });
  const files = fs.readdirSync(directory);
  const other = OTHERS.find(([part]) => files.includes(part));
  throw invalid(
    `${directory} has no ${component}/ (${files.slice(0, 20).join(', ') || 'nothing'}); ${other ? `it looks like ${other[1]}; ` : ''}a diffusers model has unet, vae, text_encoder, tokenizer and scheduler.`,
    { directory, component },
  );
}

/** Reads a component's config and makes sure that it is of the class we build. */
function configOf<C>(directory: string, expected: string): C {
  const file = path.join(directory, 'config.json');
  const config = readJson(file);
  const found = config['_class_name'] ?? expected;
  if (found !== expected) throw invalid(`${file} describes a ${classInWords(found)}; expected ${expected}.`, { found, expected });
  return config as C;
}

/** Model types of a text encoder's config that are CLIP's; a whole CLIP's has the text encoder's within. */
const CLIP_TYPES = ['clip_text_model', 'clip'];

function textConfig<C extends TextTransformerConfig>(directory: string, component: string): C {
  const file = path.join(componentDirectory(directory, component), 'config.json');
  const whole = readJson(file);
  const type = whole['model_type'] ?? CLIP_TYPES[0];
  if (!CLIP_TYPES.includes(String(type)))
    throw invalid(`${file} describes a ${String(type).slice(0, 100)}; expected CLIP's text encoder.`, { type });
  const inner = whole['text_config'];
  if (typeof inner !== 'object' || inner === null) return whole as unknown as C;
  const { projection_dim = (inner as Record<string, unknown>)['projection_dim'] } = whole;
  return withoutGeneration({ ...inner, projection_dim }) as unknown as C;
}

/** Formulations of diffusion that no solver here has. */
const OTHER_SCHEDULERS = /^(FlowMatch|EDM|Consistency)/;

function schedulerConfig(directory: string): SchedulerConfig {
  const file = path.join(componentDirectory(directory, 'scheduler'), 'scheduler_config.json');
  const config = readJson(file);
  const name = String(config['_class_name'] ?? '');
  if (OTHER_SCHEDULERS.test(name))
    throw invalid(`${file} describes a ${name.slice(0, 100)}, a formulation of diffusion that is not implemented.`, { name });
  return config as SchedulerConfig;
}

/** The autoencoder's directory of a model, or of what was named in its place: that directory itself, or a whole model's. */
export function vaeDirectory(directory: string): string {
  const within = path.join(directory, 'vae');
  return fs.existsSync(path.join(within, 'config.json')) && !fs.existsSync(path.join(directory, 'config.json')) ? within : directory;
}

/** @param vae a directory with an autoencoder of the user's; null: the model's own config */
export function readConfigs(directory: string, vae: string | null): Configs {
  const index = fs.existsSync(path.join(directory, 'model_index.json')) ? readJson(path.join(directory, 'model_index.json')) : {};
  const unet = configOf<UNetConfig>(componentDirectory(directory, 'unet'), 'UNet2DConditionModel');
  const autoencoder = configOf<AutoencoderKLConfig>(
    vae === null ? componentDirectory(directory, 'vae') : vaeDirectory(vae),
    'AutoencoderKL',
  );
  checkInputs(unet, autoencoder);
  const xl = isXl(unet);
  const text = textConfig<TextTransformerConfig>(directory, 'text_encoder');
  const text2 = xl ? textConfig<ClipTextConfig>(directory, 'text_encoder_2') : null;
  const tokenizer = (suffix: string, input: string, config: TextTransformerConfig): TokenizerSetting => ({
    input,
    directory: path.resolve(componentDirectory(directory, `tokenizer${suffix}`)),
    context: config.max_position_embeddings,
    vocabulary: config.vocab_size,
  });
  return {
    unet,
    vae: autoencoder,
    text,
    text2,
    scheduler: schedulerConfig(directory),
    tokenizers: [tokenizer('', 'ids', text), ...(text2 ? [tokenizer('_2', 'ids2', text2)] : [])],
    zeroEmpty: xl && index['force_zeros_for_empty_prompt'] !== false,
  };
}

/** Latents along a side of a model whose config does not say. */
const DEFAULT_SAMPLE_SIZE = 64;
/** Latents along a side that no picture has: 32,768 pixels. */
const MAX_SAMPLE_SIZE = 4096;

/** Latents along a side of the pictures that it was trained on. @throws BaseModelError invalid-model */
export function sampleSize({ sample_size: size }: UNetConfig): number {
  const sides = size === null || size === undefined ? [DEFAULT_SAMPLE_SIZE] : [size].flat();
  const [side] = sides;
  if (side === undefined || sides.some((other) => other !== side) || !Number.isInteger(side) || side < 1 || side > MAX_SAMPLE_SIZE)
    throw invalid(
      `The U-Net's config: sample_size must be a whole number from 1 to ${MAX_SAMPLE_SIZE}, or the same twice, got ${JSON.stringify(size).slice(0, 50)}.`,
      { sample_size: size },
    );
  return side;
}

/** U-Nets that read more than noisy latents, by how many channels that is with four of latents. */
const WIDER: Readonly<Record<number, string>> = {
  5: 'a model that takes a depth map',
  7: 'a model for upscaling',
  8: 'a model for editing (InstructPix2Pix)',
  9: 'a model for inpainting',
};

/** What a U-Net of so many channels is for. */
export const purpose = (channels: number): string => WIDER[channels] ?? 'a model for inpainting, depth or editing';

/** @throws BaseModelError invalid-model, CoreBlocksError invalid-config for a U-Net that reads more than noisy latents, text and time */
function checkInputs(unet: UNetConfig, vae: AutoencoderKLConfig): void {
  const { encoder } = new UNet2DConditionModel(unet);
  checkConditions(encoder);
  const [takes, makes] = [encoder.inChannels, new AutoencoderKL(vae).latentChannels];
  if (takes === makes) return;
  const why = takes > makes ? `${purpose(takes)}, not for text alone` : 'they do not belong together';
  throw invalid(`The U-Net takes ${takes} channels, the autoencoder makes ${makes}: ${why}.`, { in_channels: takes });
}

export const isXl = ({ addition_embed_type: type }: UNetConfig): boolean => type === 'text_time';
