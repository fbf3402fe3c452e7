import fs from 'node:fs';
import path from 'node:path';
import { cldm, ControlNetModel } from '@controllab/controlnet';
import {
  AutoencoderKL,
  ClipTextTower,
  initialize,
  ldmUNet,
  ldmVae,
  TextTransformer,
  UNet2DConditionModel,
  writeSafetensors,
  type Module,
} from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';

const ENCODER = {
  sample_size: 4,
  block_out_channels: [8, 16],
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  layers_per_block: 1,
  attention_head_dim: 2,
  cross_attention_dim: 8,
  norm_num_groups: 4,
};
const UNET = { ...ENCODER, up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'] };
const VAE = {
  block_out_channels: [4, 4, 4, 8],
  down_block_types: Array.from({ length: 4 }, () => 'DownEncoderBlock2D'),
  up_block_types: Array.from({ length: 4 }, () => 'UpDecoderBlock2D'),
  layers_per_block: 1,
  norm_num_groups: 2,
};
const TEXT = { hidden_size: 8, intermediate_size: 16, num_hidden_layers: 2, num_attention_heads: 2, max_position_embeddings: 12 };

/** Stable Diffusion 1.5's sizes, but for the vocabulary. */
const SD15 = {
  unet: {
    ...UNET,
    sample_size: 64,
    block_out_channels: [320, 640, 1280, 1280],
    down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
    up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
    layers_per_block: 2,
    attention_head_dim: 8,
    cross_attention_dim: 768,
    norm_num_groups: 32,
  },
  vae: { ...VAE, block_out_channels: [128, 256, 512, 512], layers_per_block: 2, norm_num_groups: 32 },
  text: { hidden_size: 768, intermediate_size: 3072, num_hidden_layers: 12, num_attention_heads: 12, max_position_embeddings: 77 },
};

/** Two text encoders of widths 8 and 6; the second's pooled embedding of 4 and six sinusoids of 2. */
const XL = {
  cross_attention_dim: 14,
  addition_embed_type: 'text_time',
  addition_time_embed_dim: 2,
  projection_class_embeddings_input_dim: 16,
};
const TEXT_2 = { ...TEXT, hidden_size: 6, hidden_act: 'gelu' as const, projection_dim: 4 };

const HINT = { conditioning_embedding_out_channels: [2, 2, 2, 4] };

/** The words this tokenizer merges, beside single letters: enough to tell a merged word from its letters. */
const MERGES = ['c a', 'ca t</w>'];
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
export const VOCABULARY = [
  ...LETTERS,
  ...LETTERS.map((letter) => `${letter}</w>`),
  ...MERGES.map((merge) => merge.replace(' ', '')),
  '!',
  '<|startoftext|>',
  '<|endoftext|>',
];

const json = (file: string, value: unknown): void => {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, JSON.stringify(value));
};

function weightsOf(module: Module, seed: number): Record<string, HostTensor> {
  // Small convolutions that start at zero (ControlNet's) would hide themselves.
  const tensors = initialize(module, seed);
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { data, shape }]) => [
      name,
      { data: data.some((value) => value !== 0) ? data : Float32Array.from(data, (_, i) => 0.3 * Math.cos(i + seed)), shape },
    ]),
  );
}

function component(directory: string, file: string, config: object, module: Module, seed: number): void {
  json(path.join(directory, 'config.json'), config);
  writeSafetensors(path.join(directory, file), weightsOf(module, seed), { dtype: 'F16' });
}

function tokenizer(directory: string, pad: string): void {
  json(path.join(directory, 'vocab.json'), Object.fromEntries(VOCABULARY.map((token, id) => [token, id])));
  fs.writeFileSync(path.join(directory, 'merges.txt'), `#version: 0.2\n${MERGES.join('\n')}\n`);
  json(path.join(directory, 'special_tokens_map.json'), {
    bos_token: { content: '<|startoftext|>' },
    eos_token: '<|endoftext|>',
    unk_token: '<|endoftext|>',
    pad_token: pad,
  });
}

/**
 * Writes a diffusers directory of a Stable Diffusion with random weights, a few thousand of them: XL's two text encoders with `xl`, SD2's
 * linear projections with `linear`; with `full` as many as Stable Diffusion 1.5 has, 2 GB on disk and twice that in memory.
 */
export function writeTinyModel(
  directory: string,
  {
    xl = false,
    linear = false,
    full = false,
    predictionType = 'epsilon',
  }: { xl?: boolean; linear?: boolean; full?: boolean; predictionType?: string } = {},
): void {
  const sizes = full ? SD15 : { unet: UNET, vae: VAE, text: TEXT };
  const unet = {
    _class_name: 'UNet2DConditionModel',
    ...sizes.unet,
    ...(xl ? XL : {}),
    ...(linear ? { use_linear_projection: true } : {}),
  };
  const text = { ...sizes.text, vocab_size: VOCABULARY.length };
  const text2 = { ...TEXT_2, vocab_size: VOCABULARY.length };
  json(path.join(directory, 'model_index.json'), { _class_name: xl ? 'StableDiffusionXLPipeline' : 'StableDiffusionPipeline' });
  component(path.join(directory, 'unet'), 'diffusion_pytorch_model.safetensors', unet, new UNet2DConditionModel(unet), 1);
  component(path.join(directory, 'vae'), 'diffusion_pytorch_model.safetensors', sizes.vae, new AutoencoderKL(sizes.vae), 2);
  component(path.join(directory, 'text_encoder'), 'model.safetensors', text, new TextTransformer(text), 3);
  tokenizer(path.join(directory, 'tokenizer'), '<|endoftext|>');
  if (xl) {
    component(path.join(directory, 'text_encoder_2'), 'model.safetensors', text2, new ClipTextTower(text2), 4);
    tokenizer(path.join(directory, 'tokenizer_2'), '!');
  }
  json(path.join(directory, 'scheduler', 'scheduler_config.json'), {
    _class_name: 'PNDMScheduler',
    beta_start: 0.00085,
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    steps_offset: 1,
    set_alpha_to_one: false,
    clip_sample: false,
    prediction_type: predictionType,
  });
}

/** Writes a ControlNet for that model as a diffusers directory. */
export function writeTinyControlNet(directory: string, { xl = false, seed = 5 }: { xl?: boolean; seed?: number } = {}): void {
  const config = { _class_name: 'ControlNetModel', ...ENCODER, ...(xl ? XL : {}), ...HINT };
  component(directory, 'diffusion_pytorch_model.safetensors', config, new ControlNetModel(config), seed);
}

/** The model of {@link writeTinyModel} as one file in LDM's layout. */
export function writeTinyLdm(file: string): void {
  const tensors: Record<string, HostTensor> = {};
  const unet = new UNet2DConditionModel(UNET);
  const vae = new AutoencoderKL(VAE);
  for (const [module, { prefix, stored }, seed] of [
    [unet, ldmUNet(UNET), 1],
    [vae, ldmVae(VAE), 2],
  ] as const) {
    for (const [name, tensor] of Object.entries(weightsOf(module, seed))) tensors[prefix + stored(name).name] = tensor;
  }
  for (const [name, tensor] of Object.entries(weightsOf(new TextTransformer({ ...TEXT, vocab_size: VOCABULARY.length }), 3)))
    tensors[`cond_stage_model.transformer.${name}`] = tensor;
  writeSafetensors(file, tensors, { dtype: 'F16' });
}

/**
 * The ControlNet of {@link writeTinyControlNet}, but with the published hint encoder's widths, which a file without config has, in cldm's
 * layout.
 */
export function writeTinyCldm(file: string): void {
  const { prefix, stored } = cldm(ENCODER);
  writeSafetensors(
    file,
    Object.fromEntries(
      Object.entries(weightsOf(new ControlNetModel(ENCODER), 5)).map(([name, tensor]) => [prefix + stored(name).name, tensor]),
    ),
    { dtype: 'F16' },
  );
}
