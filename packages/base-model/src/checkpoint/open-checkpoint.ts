import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { AutoencoderKL, readSafetensors, type Weights } from '@controllab/core-blocks';
import { jsonHash, type Json } from '@controllab/data';
import type { Prediction } from '@controllab/diffusion';
import { imageDenoiser } from '../architectures/denoisers.ts';
import type { Base, FixedInputs } from '../base.ts';
import { BaseModelError } from '../errors.ts';
import type { LoraRequest } from '../lora/merge-lora.ts';
import { missingFile } from '../missing-file.ts';
import { runOnce } from '../run-once.ts';
import { compileDecoder, encodePictures, tracedEncoder } from './autoencoder.ts';
import { isXl, readConfigs, sampleSize, type Configs, type UNetConfig } from './files/configs.ts';
import { fileKind } from './files/file-kind.ts';
import { fileMarkers, NO_MARKERS, withPrediction } from './files/prediction.ts';
import { directoryWeights, fileWeights, readWeights } from './files/weights.ts';
import { hashWeights } from './hash-weights.ts';
import { schedulerSettings } from './scheduler-config.ts';
import { promptEncoder, TextEncoders, tracedTextEncoder } from './text-encoders.ts';
import openTokenizers, { type TokenizerSetting } from './tokenize-prompts.ts';
import { TOKENIZER_FILES } from './tokenizer.ts';

/**
 * By structure, so that a distilled or tiny model counts as what it was made from: SD2's transformers have linear projections, SD1's
 * convolutions.
 */
const familyOf = (unet: UNetConfig): string => (isXl(unet) ? 'sdxl' : unet.use_linear_projection ? 'sd21' : 'sd15');

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
function lazyHashes(configs: Configs, weights: Weights, clipSkip: number): { hash(): string; hashes(): Readonly<Record<string, string>> } {
  let parts: Record<string, string> | undefined;
  const hashes = (): Record<string, string> =>
    (parts ??= Object.fromEntries(['unet', 'text', 'vae'].map((part) => [part, hashWeights(startingWith(`${part}.`, weights))])));
  const settings = (): Json => {
    const { tokenizers, ...others } = configs;
    const skipped = clipSkip === 0 ? {} : { clipSkip };
    return { ...(others as unknown as Record<string, Json>), ...skipped, tokenizers: tokenizers.map(hashTokenizer) };
  };
  return { hashes, hash: () => jsonHash({ hashes: hashes(), settings: settings() }) };
}

function baseOf(id: string, configs: Configs, { weights, adapted }: Pick<Base, 'weights' | 'adapted'>, clipSkip: number): Base {
  const vae = new AutoencoderKL(configs.vae);
  const side = sampleSize(configs.unet);
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
  const textEncoders = (): TextEncoders => new TextEncoders(configs.text, configs.text2, clipSkip);
  const tokenize = openTokenizers(configs.tokenizers);
  const text = startingWith('text.', weights);
  const autoencoder = startingWith('vae.', weights);
  const checksums = lazyHashes(configs, weights, clipSkip);
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
    ...(adapted === undefined ? {} : { adapted }),
    ...schedulerSettings(configs.scheduler),
    pixels,
    latentChannels: vae.latentChannels,
    factor: vae.factor,
    denoiser: (options) => imageDenoiser(configs.unet, { ...setting, latentEncoder: tracedEncoder(vae), ...options }),
    fixedInputs,
    textEncoder: () => tracedTextEncoder(textEncoders()),
    tokenizer: { module: new URL('./tokenize-prompts.ts', import.meta.url).href, data: configs.tokenizers },
    tokenize,
    encodePrompts: async (prompts, engine, options) => (await runOnce(base.promptEncoder(prompts.length, engine, options), [prompts]))[0]!,
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
  /** An autoencoder in place of the model's: a diffusers directory, or a file (its config is the model's then). */
  readonly vae?: string | null;
  /** What the network predicts, where neither file nor config says, or other than they say. */
  readonly prediction?: Prediction | null;
  /** Added to the weights, in order. */
  readonly loras?: readonly LoraRequest[];
  /** Layers at the end of each text encoder that prompts pass over: diffusers' `clip_skip`, one less than A1111's. */
  readonly clipSkip?: number;
}

const isDirectory = (name: string): boolean => fs.existsSync(name) && fs.statSync(name).isDirectory();

/**
 * Opens a published checkpoint, Stable Diffusion 1, 2 or XL: a diffusers directory, or an LDM single file whose configs and tokenizer lie
 * in the diffusers directory `config` (its weights are not read). Reads headers, configs and vocabularies; weights stay in their files.
 * @throws BaseModelError invalid-model naming what is missing, or what a file is that is no such model; invalid-lora for LoRAs that do not
 * fit; CoreBlocksError naming the tensors or config keys that do not fit
 */
export function openCheckpoint(model: string, options: CheckpointOptions = {}): Base {
  const { config = null, vae = null, prediction = null, loras = [], clipSkip = 0 } = options;
  if (!fs.existsSync(model)) throw new BaseModelError('invalid-model', missingFile('model', model), { model });
  const directory = isDirectory(model);
  if (!directory && config === null) {
    const foreign = readSafetensors(model); // what is no safetensors file at all is called by its name first
    const kind = fileKind(foreign.names());
    throw new BaseModelError(
      'invalid-model',
      `${model} is ${kind === null || kind.kind === 'checkpoint' ? 'a single file' : kind.words}, which holds neither configs nor a tokenizer: name a diffusers directory that does with --config (its weights are not read).`,
      { model },
    );
  }
  const from = config ?? model;
  const read = readConfigs(from, vae !== null && isDirectory(vae) ? vae : null);
  const file = directory ? null : readSafetensors(model);
  const markers = file === null ? NO_MARKERS : fileMarkers(file);
  const configs = { ...read, scheduler: withPrediction(read.scheduler, markers, prediction, path.join(from, 'scheduler')) };
  const source = file === null ? directoryWeights(model, configs, vae) : fileWeights(file, from, configs, vae);
  const fewest = Math.min(...[configs.text, configs.text2].flatMap((text) => (text === null ? [] : [text.num_hidden_layers])));
  if (!Number.isInteger(clipSkip) || clipSkip < 0 || clipSkip >= fewest)
    throw new BaseModelError(
      'invalid-argument',
      `${model}: its text encoder has ${fewest} layers, of which 0 to ${fewest - 1} can be skipped, got ${clipSkip}`,
      { clipSkip, layers: fewest },
    );
  return baseOf(model, configs, readWeights(configs, source, loras), clipSkip);
}
