import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { clipTextSd15, clipTextSd21 } from './clip/text-transformer.ts';
import { countParameters, type Module } from './module.ts';
import {
  UNet2DConditionModel,
  UNetSpatioTemporalConditionModel,
  type UNet2DConditionConfig,
  type UNetSpatioTemporalConditionConfig,
} from './unet/unet.ts';
import { sd15, sd15Inpaint, sd21, sd2Depth, sdxl, sdxlRefiner, svd } from './unet/presets.ts';
import { AutoencoderKL, AutoencoderKLTemporalDecoder, vaeSd, vaeSdxl, vaeSvd, type AutoencoderKLConfig } from './autoencoder/vae.ts';

const published = (name: string) =>
  JSON.parse(fs.readFileSync(path.join(import.meta.dirname, '../../../fixtures/reference/arch', `${name}.json`), 'utf8')) as {
    config: never;
    params: Record<string, number[]>;
  };
const shapes = (module: Module) => Object.fromEntries([...module.parameters()].map(([name, { shape }]) => [name, shape]));

describe('published architectures', () => {
  it.each([
    ['unet_sd15', sd15, UNet2DConditionModel],
    ['unet_sdxl_base', sdxl, UNet2DConditionModel],
    ['unet_svd_xt', svd, UNetSpatioTemporalConditionModel],
    ['vae_sd', vaeSd, AutoencoderKL],
  ] as const)('%s has exactly the published names and shapes, as a preset and from the published config as it is', (name, build, Model) => {
    const { config, params } = published(name);
    expect(shapes(build())).toEqual(params);
    expect(shapes(new Model(config))).toEqual(params);
  });

  it.each([
    ['SD1.5 U-Net', sd15, 859_520_964, 686],
    ['SD1.5 inpainting U-Net', sd15Inpaint, 859_535_364, 686],
    ['SD2.1 U-Net', sd21, 865_910_724, 686],
    ['SD2 depth U-Net', sd2Depth, 865_913_604, 686],
    ['SDXL base U-Net', sdxl, 2_567_463_684, 1680],
    ['SDXL refiner U-Net', sdxlRefiner, 2_259_526_660, 1220],
    ['SVD U-Net', svd, 1_524_623_082, 1428],
    ['autoencoder', vaeSd, 83_653_863, 248],
    ['SDXL autoencoder', vaeSdxl, 83_653_863, 248],
    ['SVD autoencoder', vaeSvd, 97_742_847, 374],
    ['CLIP ViT-L/14 text', clipTextSd15, 123_060_480, 196],
    ['OpenCLIP ViT-H/14 text, 23 layers', clipTextSd21, 340_387_840, 372],
  ] as const)('%s has %s parameters in %s tensors', (_, build, count, tensors) => {
    const model = build();
    expect(countParameters(model)).toBe(count);
    expect(model.parameters().size).toBe(tensors);
  });
});

describe('config checks', () => {
  const config = {
    block_out_channels: [8, 16],
    down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
    up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
    layers_per_block: 1,
    attention_head_dim: 2,
    cross_attention_dim: 4,
    norm_num_groups: 4,
  };

  it.each<[Record<string, unknown>, RegExp]>([
    [{ layers_per_blok: 2 }, /layers_per_blok: unknown key/],
    [{ addition_embed_type: 'image_hint' }, /addition_embed_type: expected null or "text" .* got "image_hint"/],
    [{ addition_embed_type: 'text_time' }, /needs addition_time_embed_dim and projection_class_embeddings_input_dim/],
    [{ addition_embed_type: 'image' }, /addition_embed_type image needs encoder_hid_dim/],
    [{ addition_embed_type: 'text' }, /text's width 4 must be divisible by addition_embed_type_num_heads \(64\)/],
    [{ encoder_hid_dim_type: 'text_proj' }, /encoder_hid_dim_type text_proj needs encoder_hid_dim/],
    [{ class_embed_type: 'projection' }, /class_embed_type projection needs projection_class_embeddings_input_dim/],
    [
      { down_block_types: ['CrossAttnDownBlockSpatioTemporal', 'DownBlock2D'] },
      /down_block_types\[0\] must be DownBlock2D or CrossAttnDownBlock2D .*, got "CrossAttnDownBlockSpatioTemporal"/,
    ],
    [{ down_block_types: ['CrossAttnDownBlock2D', 'KDownBlock2D'] }, /KDownBlock2D/],
    [{ up_block_types: ['UpBlock2D'] }, /up_block_types must have as many as down_block_types: expected 2, got 1/],
    [{ act_fn: 'tanh' }, /act_fn: expected an activation: silu, swish, mish, gelu, relu, got "tanh"/],
    [{ attention_head_dim: [2, 2, 2] }, /attention_head_dim: expected one value or 2/],
    [{ num_attention_heads: 2 }, /num_attention_heads: only null .*a historical mistake/],
    [{ norm_num_groups: 3 }, /divisible by norm_num_groups/],
    [{ norm_num_groups: null }, /norm_num_groups: expected a whole number/],
    [{ dual_cross_attention: true }, /dual_cross_attention: only false .*Versatile Diffusion/],
    [{ attention_type: 'gated' }, /attention_type: only "default" .*GLIGEN/],
    [{ resnet_time_scale_shift: 'spatial' }, /resnet_time_scale_shift: expected "default" or "scale_shift"/],
    [{ conv_in_kernel: 4 }, /conv_in_kernel: expected an odd whole number/],
    [{ cross_attention_dim: [4, 6], down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'] }, /cannot have 4 and 6 channels/],
    [{ transformer_layers_per_block: [[1], 1] }, /needs reverse_transformer_layers_per_block/],
    [{ time_embedding_type: 'fourier', time_embedding_dim: 7 }, /fourier needs an even width, got 7/],
    // Hostile or broken: the same error, never another.
    [{ block_out_channels: [] }, /block_out_channels: expected a list of 1 to 16/],
    [{ block_out_channels: ['8', 16] }, /block_out_channels: expected a list/],
    [{ block_out_channels: [8, 1e12] }, /block_out_channels: expected a list/],
    [{ block_out_channels: 8 }, /block_out_channels: expected a list/],
    [{ layers_per_block: 1e6 }, /layers_per_block: expected a whole number from 1 to 128/],
    [{ layers_per_block: 128, transformer_layers_per_block: 128 }, /16512|make \d+ blocks; at most 4096/],
    [{ layers_per_block: '2' }, /layers_per_block: expected/],
    [{ layers_per_block: 0 }, /layers_per_block: expected/],
    [{ transformer_layers_per_block: 1e9 }, /transformer_layers_per_block: expected/],
    [{ down_block_types: 'DownBlock2D' }, /down_block_types: expected a list/],
    [{ down_block_types: [null, 1] }, /down_block_types: expected a list/],
    [{ cross_attention_dim: null }, /cross_attention_dim: expected/],
    [{ norm_eps: Number.NaN }, /norm_eps: expected/],
    [{ constructor: 1 }, /constructor: unknown key/],
  ])('%j is refused by name', (change, message) => {
    const build = () => new UNet2DConditionModel({ ...config, ...change } as UNet2DConditionConfig);
    expect(build).toThrow(message);
    expect(build).toThrow(expect.objectContaining({ name: 'CoreBlocksError', code: 'invalid-config' }));
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ scaling_factor: 0 }, /scaling_factor: expected a number from 1e-9/],
    [{ scaling_factor: 'toString' }, /scaling_factor: expected a number/],
    [{ layers_per_block: 1e6 }, /layers_per_block: expected a whole number from 1 to 128/],
    [{ block_out_channels: [] }, /block_out_channels: expected a list/],
    [{ norm_num_groups: 5 }, /8 channels must be divisible by norm_num_groups \(5\)/],
    [{ latents_mean: [0], latents_std: [1] }, /latents_mean: expected 4 numbers \(latent_channels\), got 1/],
    [{ latents_mean: [0, 0, 0, 0] }, /latents_mean and latents_std: expected both or neither/],
    [{ latents_std: [0, 1, 1, 1] }, /latents_std: expected a list/],
    [
      { up_block_types: ['UpDecoderBlock2D'] },
      /up_block_types: expected one UpDecoderBlock2D or AttnUpDecoderBlock2D for each of the 2 levels/,
    ],
    [{ down_block_types: ['DownEncoderBlock2D', 'DownBlock2D'] }, /down_block_types: expected one DownEncoderBlock2D/],
    [{ act_fn: 'sin' }, /act_fn: expected an activation/],
  ])('an autoencoder of %j is refused by name', (change, message) => {
    const types = {
      down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
      up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
    };
    const vae = { block_out_channels: [8, 8], ...types, layers_per_block: 1, norm_num_groups: 4, ...change };
    expect(() => new AutoencoderKL(vae as unknown as AutoencoderKLConfig)).toThrow(message);
  });

  it('those of the temporal decoder too', () => {
    const vae = { block_out_channels: [32, 32], down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'], layers_per_block: 2 };
    expect(() => new AutoencoderKLTemporalDecoder({ ...vae, block_out_channels: [32, 40] })).toThrow(/40 channels must be divisible/);
    expect(() => new AutoencoderKLTemporalDecoder({ ...vae, down_block_types: ['DownEncoderBlock2D'] })).toThrow(
      /one DownEncoderBlock2D or AttnDownEncoderBlock2D for each of the 2 levels/,
    );
  });

  it('what a config leaves out is as in diffusers', () => {
    const { encoder } = new UNet2DConditionModel({} as UNet2DConditionConfig);
    expect(encoder.levels.map(({ channels, layers }) => [channels, layers])).toEqual([320, 640, 1280, 1280].map((width) => [width, 2]));
    expect(encoder).toMatchObject({ contextChannels: 1280, inChannels: 4, groups: 32, timeEmbedDim: 1280 });
    expect(countParameters(new UNetSpatioTemporalConditionModel({} as UNetSpatioTemporalConditionConfig))).toBe(1_524_623_082);
    expect(new AutoencoderKL({} as AutoencoderKLConfig)).toMatchObject({ factor: 1, scalingFactor: 0.18215, latentChannels: 4 });
  });

  it('keys that change nothing are accepted', () => {
    const more = {
      _class_name: 'UNet2DConditionModel',
      sample_size: 64,
      act_fn: 'silu',
      class_embed_type: null,
      dual_cross_attention: false,
      dropout: 0,
    };
    expect(countParameters(new UNet2DConditionModel({ ...config, ...more }))).toBe(countParameters(new UNet2DConditionModel(config)));
  });
});
