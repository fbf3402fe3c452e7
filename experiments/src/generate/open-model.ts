import fs from 'node:fs';
import path from 'node:path';
import {
  AutoencoderKL,
  ClipTextTower,
  externalStateDict,
  inLayout,
  ldmText,
  ldmUNet,
  ldmVae,
  openWeights,
  readJson,
  readSafetensors,
  TextTransformer,
  UNet2DConditionModel,
  type AutoencoderKLConfig,
  type ClipTextConfig,
  type Layout,
  type Module,
  type TensorFile,
  type TextTransformerConfig,
  type UNet2DConditionConfig,
} from '@controllab/core-blocks';
import type { ConstantTensor } from '@controllab/tfjs-onnx';
import { ExperimentError } from '../runner/errors.ts';
import type { SchedulerJson } from './sampler.ts';
import { loadTokenizer, type Tokenize } from './tokenizer.ts';

/** A network with its weights, which stay in their file. */
export interface Part<M extends Module> {
  module: M;
  weights: Record<string, ConstantTensor>;
}

export interface TextEncoder extends Part<TextTransformer> {
  tokenize: Tokenize;
}

/** A text-to-image model: Stable Diffusion 1 or 2 with one text encoder, or XL with two. */
export interface DiffusionModel {
  unet: Part<UNet2DConditionModel>;
  unetConfig: UNet2DConditionConfig;
  /** Latents' height and width that the U-Net was trained on. */
  sampleSize: number | null;
  vae: Part<AutoencoderKL>;
  textEncoders: TextEncoder[];
  scheduler: SchedulerJson;
  /** SDXL's two encoders, pooled embedding and size conditions. */
  xl: boolean;
  /** No negative prompt means a zero embedding, not that of the empty prompt. */
  zeroEmptyPrompt: boolean;
}

/** Reads a component's config and makes sure that it is of the class we build. */
function configOf<C>(directory: string, component: string, file: string, expected: string): C {
  const config = readJson(path.join(componentDirectory(directory, component), file));
  const found = config['_class_name'] ?? expected;
  if (found !== expected)
    throw new ExperimentError(
      'invalid-model',
      `${path.join(directory, component, file)} describes a ${String(found)}; generate runs ${expected}.`,
      { found },
    );
  return config as C;
}

function componentDirectory(directory: string, component: string): string {
  const full = path.join(directory, component);
  if (fs.existsSync(full)) return full;
  const there = fs.existsSync(directory) ? fs.readdirSync(directory).join(', ') : 'no such directory';
  throw new ExperimentError(
    'invalid-model',
    `${directory} has no ${component}/ (${there}); a diffusers model has unet, vae, text_encoder, tokenizer and scheduler.`,
    { directory, component },
  );
}

/** Where the weights of a component come from. */
type WeightsOf = (component: string, module: Module, layout: (file: TensorFile) => Layout) => Record<string, ConstantTensor>;

function open(directory: string, weightsOf: WeightsOf): DiffusionModel {
  const index = fs.existsSync(path.join(directory, 'model_index.json')) ? readJson(path.join(directory, 'model_index.json')) : {};
  const unetConfig = configOf<UNet2DConditionConfig & { sample_size?: number }>(directory, 'unet', 'config.json', 'UNet2DConditionModel');
  const vaeConfig = configOf<AutoencoderKLConfig>(directory, 'vae', 'config.json', 'AutoencoderKL');
  const unet = new UNet2DConditionModel(unetConfig);
  const vae = new AutoencoderKL(vaeConfig);
  if (unet.encoder.inChannels !== vae.latentChannels) {
    throw new ExperimentError(
      'invalid-model',
      `The U-Net takes ${unet.encoder.inChannels} channels, the autoencoder makes ${vae.latentChannels}: a model for inpainting, depth or editing, not for text alone.`,
      { in_channels: unet.encoder.inChannels },
    );
  }
  const xl = unet.encoder.addition !== null;
  const textEncoder = (i: number): TextEncoder => {
    const suffix = i === 0 ? '' : `_${i + 1}`;
    const config = readJson(path.join(componentDirectory(directory, `text_encoder${suffix}`), 'config.json')) as unknown as ClipTextConfig &
      TextTransformerConfig;
    const module = xl && i === 1 ? new ClipTextTower(config) : new TextTransformer(config);
    return {
      module,
      weights: weightsOf(`text_encoder${suffix}`, module, (file) => ldmText(file, i, config)),
      tokenize: loadTokenizer(componentDirectory(directory, `tokenizer${suffix}`)),
    };
  };
  return {
    unet: { module: unet, weights: weightsOf('unet', unet, () => ldmUNet(unetConfig)) },
    unetConfig,
    sampleSize: unetConfig.sample_size ?? null,
    vae: { module: vae, weights: weightsOf('vae', vae, () => ldmVae(vaeConfig)) },
    textEncoders: (xl ? [0, 1] : [0]).map(textEncoder),
    scheduler: readJson(path.join(componentDirectory(directory, 'scheduler'), 'scheduler_config.json')) as SchedulerJson,
    xl,
    zeroEmptyPrompt: xl && index['force_zeros_for_empty_prompt'] !== false,
  };
}

/**
 * Opens a model: a diffusers directory, or an LDM single file whose configs and tokenizer lie in the diffusers directory `config`. Reads
 * headers, configs and vocabularies, no weights.
 * @throws ExperimentError invalid-model naming what is missing; CoreBlocksError naming the tensors or config keys that do not fit
 */
export function openModel(model: string, config: string | null): DiffusionModel {
  if (!fs.existsSync(model)) throw new ExperimentError('invalid-model', `There is no model at ${model}.`, { model });
  if (fs.statSync(model).isDirectory()) {
    return open(config ?? model, (component, module) => externalStateDict(module, openWeights(componentDirectory(model, component))));
  }
  if (config === null) {
    throw new ExperimentError(
      'invalid-model',
      `${model} is a single file, which holds neither configs nor a tokenizer: name a diffusers directory that does with --config (its weights are not read).`,
      { model },
    );
  }
  const file = readSafetensors(model);
  return open(config, (_, module, layout) => externalStateDict(module, inLayout(file, module, layout(file))));
}
