import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  AutoencoderKL,
  externalStateDict,
  inLayout,
  ldmText,
  ldmUNet,
  ldmVae,
  openWeights,
  readJson,
  readSafetensors,
  UNet2DConditionModel,
  type AutoencoderKLConfig,
  type ClipTextConfig,
  type Layout,
  type Module,
  type TensorSource,
  type TextTransformerConfig,
  type UNet2DConditionConfig,
  type Weights,
} from '@controllab/core-blocks';
import { jsonHash, type Json } from '@controllab/data';
import { imageDenoiser } from '../architectures/denoisers.ts';
import type { Base, FixedInputs } from '../base.ts';
import { BaseModelError } from '../errors.ts';
import { mergeLoras, type LoraRequest } from '../lora/merge-lora.ts';
import { scratchFile } from '../lora/scratch-file.ts';
import { runOnce } from '../run-once.ts';
import { compileDecoder, encodePictures } from './autoencoder.ts';
import { hashWeights } from './hash-weights.ts';
import { schedulerSettings, type SchedulerConfig } from './scheduler-config.ts';
import { promptEncoder, TextEncoders, tracedTextEncoder } from './text-encoders.ts';
import openTokenizers, { type TokenizerSetting } from './tokenize-prompts.ts';
import { TOKENIZER_FILES } from './tokenizer.ts';

/** Latents along a side of a model whose config does not say. */
const DEFAULT_SAMPLE_SIZE = 64;

type UNetConfig = UNet2DConditionConfig & { sample_size?: number };

/** Everything of a checkpoint but its weights. */
interface Configs {
  readonly unet: UNetConfig;
  readonly vae: AutoencoderKLConfig;
  readonly text: TextTransformerConfig;
  readonly text2: ClipTextConfig | null;
  readonly scheduler: SchedulerConfig;
  readonly tokenizers: readonly TokenizerSetting[];
  /** No negative prompt means a zero embedding, not that of the empty prompt. */
  readonly zeroEmpty: boolean;
}

function componentDirectory(directory: string, component: string): string {
  const full = path.join(directory, component);
  if (fs.existsSync(full)) return full;
  const there = fs.existsSync(directory) ? fs.readdirSync(directory).join(', ') : 'no such directory';
  throw new BaseModelError(
    'invalid-model',
    `${directory} has no ${component}/ (${there}); a diffusers model has unet, vae, text_encoder, tokenizer and scheduler.`,
    { directory, component },
  );
}

const configIn = (directory: string, component: string, file = 'config.json'): Record<string, unknown> =>
  readJson(path.join(componentDirectory(directory, component), file));

/** Reads a component's config and makes sure that it is of the class we build. */
function configOf<C>(directory: string, component: string, expected: string): C {
  const config = configIn(directory, component);
  const found = config['_class_name'] ?? expected;
  if (found !== expected)
    throw new BaseModelError(
      'invalid-model',
      `${path.join(directory, component, 'config.json')} describes a ${String(found)}; expected ${expected}.`,
      { found, expected },
    );
  return config as C;
}

function readConfigs(directory: string): Configs {
  const index = fs.existsSync(path.join(directory, 'model_index.json')) ? readJson(path.join(directory, 'model_index.json')) : {};
  const unet = configOf<UNetConfig>(directory, 'unet', 'UNet2DConditionModel');
  const vae = configOf<AutoencoderKLConfig>(directory, 'vae', 'AutoencoderKL');
  checkChannels({ unet, vae });
  const xl = isXl(unet);
  const text = configIn(directory, 'text_encoder') as unknown as TextTransformerConfig;
  const text2 = xl ? (configIn(directory, 'text_encoder_2') as unknown as ClipTextConfig) : null;
  const tokenizer = (suffix: string, input: string, config: TextTransformerConfig): TokenizerSetting => ({
    input,
    directory: path.resolve(componentDirectory(directory, `tokenizer${suffix}`)),
    context: config.max_position_embeddings,
    vocabulary: config.vocab_size,
  });
  return {
    unet,
    vae,
    text,
    text2,
    scheduler: configIn(directory, 'scheduler', 'scheduler_config.json') as SchedulerConfig,
    tokenizers: [tokenizer('', 'ids', text), ...(text2 ? [tokenizer('_2', 'ids2', text2)] : [])],
    zeroEmpty: xl && index['force_zeros_for_empty_prompt'] !== false,
  };
}

/** @throws BaseModelError invalid-model for a U-Net that reads more than noisy latents */
function checkChannels({ unet, vae }: Pick<Configs, 'unet' | 'vae'>): void {
  const [takes, makes] = [new UNet2DConditionModel(unet).encoder.inChannels, new AutoencoderKL(vae).latentChannels];
  if (takes !== makes)
    throw new BaseModelError(
      'invalid-model',
      `The U-Net takes ${takes} channels, the autoencoder makes ${makes}: a model for inpainting, depth or editing, not for text alone.`,
      { in_channels: takes },
    );
}

const isXl = ({ addition_embed_type: type }: UNetConfig): boolean => type === 'text_time';

/**
 * By structure, so that a distilled or tiny model counts as what it was made from: SD2's transformers have linear projections, SD1's
 * convolutions.
 */
const familyOf = (unet: UNetConfig): string => (isXl(unet) ? 'sdxl' : unet.use_linear_projection ? 'sd21' : 'sd15');

/** Where the weights of a component come from. */
type WeightsOf = (component: string, module: Module, layout: (file: TensorSource) => Layout) => Weights;

const prefixed = (prefix: string, weights: Weights): Weights =>
  Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [`${prefix}.${name}`, tensor]));

function readWeights({ unet, vae, text, text2 }: Configs, weightsOf: WeightsOf): Weights {
  const encoders = new TextEncoders(text, text2).encoders();
  return Object.assign(
    {},
    prefixed(
      'unet',
      weightsOf('unet', new UNet2DConditionModel(unet), () => ldmUNet(unet)),
    ),
    ...encoders.map(({ name, module }, i) =>
      prefixed(
        `text.${name}`,
        weightsOf(name, module, (file) => ldmText(file, i, i === 0 ? text : text2!)),
      ),
    ),
    prefixed(
      'vae',
      weightsOf('vae', new AutoencoderKL(vae), () => ldmVae(vae)),
    ),
  ) as Weights;
}

const startingWith = (prefix: string, weights: Weights): Weights =>
  Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith(prefix)));

/** Contents of a tokenizer's files: they decide which ids a prompt has. */
function hashTokenizer({ directory }: TokenizerSetting): string {
  const hash = createHash('sha256');
  for (const file of TOKENIZER_FILES.filter((name) => fs.existsSync(path.join(directory, name))))
    hash.update(file).update(fs.readFileSync(path.join(directory, file)));
  return hash.digest('hex');
}

/** Checksums are made when they are first asked for: they read every weight. */
function lazyHashes(configs: Configs, weights: Weights): { hash(): string; hashes(): Readonly<Record<string, string>> } {
  let parts: Record<string, string> | undefined;
  const hashes = (): Record<string, string> =>
    (parts ??= Object.fromEntries(['unet', 'text', 'vae'].map((part) => [part, hashWeights(startingWith(`${part}.`, weights))])));
  const settings = (): Json => {
    const { tokenizers, ...others } = configs;
    return { ...(others as unknown as Record<string, Json>), tokenizers: tokenizers.map(hashTokenizer) };
  };
  return { hashes, hash: () => jsonHash({ hashes: hashes(), settings: settings() }) };
}

function baseOf(id: string, configs: Configs, weights: Weights): Base {
  const vae = new AutoencoderKL(configs.vae);
  const side = configs.unet.sample_size ?? DEFAULT_SAMPLE_SIZE;
  const pixels = side * vae.factor;
  const setting = {
    family: familyOf(configs.unet),
    factor: vae.factor,
    latent: { height: side, width: side },
    tokens: configs.text.max_position_embeddings,
  };
  // As if the picture were neither shrunk nor cropped: its size, the crop's corner, its size again.
  const fixedInputs = ({ width, height } = { width: pixels, height: pixels }): FixedInputs =>
    isXl(configs.unet) ? { timeIds: [height, width, 0, 0, height, width] } : {};
  const textEncoders = (): TextEncoders => new TextEncoders(configs.text, configs.text2);
  const tokenize = openTokenizers(configs.tokenizers);
  const text = startingWith('text.', weights);
  const autoencoder = startingWith('vae.', weights);
  const checksums = lazyHashes(configs, weights);
  const base: Base = {
    id,
    label: path.basename(path.resolve(id)).replace(/\.safetensors$/, ''),
    get hash() {
      return checksums.hash();
    },
    get hashes() {
      return checksums.hashes();
    },
    weights,
    ...schedulerSettings(configs.scheduler),
    pixels,
    latentChannels: vae.latentChannels,
    factor: vae.factor,
    denoiser: (options) => imageDenoiser(configs.unet, { ...setting, ...options }),
    fixedInputs,
    textEncoder: () => tracedTextEncoder(textEncoders()),
    tokenizer: { module: new URL('./tokenize-prompts.ts', import.meta.url).href, data: configs.tokenizers },
    tokenize,
    encodePrompts: (prompts, engine, options) => runOnce(base.promptEncoder(prompts.length, engine, options), prompts),
    promptEncoder: async (_count, engine, { say } = {}) =>
      promptEncoder(textEncoders(), text, tokenize, engine, { zeroEmpty: configs.zeroEmpty, say }),
    encode: (images, engine) => encodePictures(vae, autoencoder, images, engine),
    decode: (latents, engine) => runOnce(base.decoder(latents.shape, engine), latents),
    decoder: (shape, engine) => compileDecoder(vae, autoencoder, shape, engine),
  };
  return base;
}

/** What a checkpoint is opened with, beside its name. */
export interface CheckpointOptions {
  /** For a single file: a diffusers directory with the configs and the tokenizer; its weights are not read. */
  readonly config?: string | null;
  /** Added to the weights, in order. */
  readonly loras?: readonly LoraRequest[];
}

/** The weights with LoRAs, which are kept in a file as the others are. */
const withLoras = (weights: Weights, loras: readonly LoraRequest[]): Weights =>
  loras.length === 0 ? weights : mergeLoras(weights, loras, scratchFile());

/**
 * Opens a published checkpoint, Stable Diffusion 1, 2 or XL: a diffusers directory, or an LDM single file whose configs and tokenizer lie
 * in the diffusers directory `config` (its weights are not read). Reads headers, configs and vocabularies; weights stay in their files.
 * @throws BaseModelError invalid-model naming what is missing, invalid-lora for LoRAs that do not fit; CoreBlocksError naming the tensors
 * or config keys that do not fit
 */
export function openCheckpoint(model: string, { config = null, loras = [] }: CheckpointOptions = {}): Base {
  if (!fs.existsSync(model)) throw new BaseModelError('invalid-model', `There is no model at ${model}.`, { model });
  if (fs.statSync(model).isDirectory()) {
    const configs = readConfigs(config ?? model);
    const weightsOf: WeightsOf = (component, module) => externalStateDict(module, openWeights(componentDirectory(model, component)));
    return baseOf(model, configs, withLoras(readWeights(configs, weightsOf), loras));
  }
  if (config === null) {
    throw new BaseModelError(
      'invalid-model',
      `${model} is a single file, which holds neither configs nor a tokenizer: name a diffusers directory that does with --config (its weights are not read).`,
      { model },
    );
  }
  const configs = readConfigs(config);
  const file = readSafetensors(model);
  const weights = readWeights(configs, (_, module, layout) => externalStateDict(module, inLayout(file, module, layout(file))));
  return baseOf(model, configs, withLoras(weights, loras));
}
