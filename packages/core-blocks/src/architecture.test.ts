import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { clipTextSd15, clipTextSd21 } from './clip/text-transformer.ts';
import { countParameters, type Module } from './module.ts';
import { UNet2DConditionModel, UNetSpatioTemporalConditionModel } from './unet/unet.ts';
import { sd15, sd15Inpaint, sd21, sd2Depth, sdxl, sdxlRefiner, svd } from './unet/presets.ts';
import { AutoencoderKL, AutoencoderKLTemporalDecoder, vaeSd, vaeSdxl, vaeSvd } from './autoencoder/vae.ts';

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

  it.each([
    [{ layers_per_blok: 2 }, /layers_per_blok: unknown key/],
    [{ addition_embed_type: 'text_image' }, /addition_embed_type: only "text_time" is implemented, got "text_image"/],
    [{ addition_embed_type: 'text_time' }, /needs addition_time_embed_dim and projection_class_embeddings_input_dim/],
    [
      { down_block_types: ['CrossAttnDownBlockSpatioTemporal', 'DownBlock2D'] },
      /down_block_types\[0\] must be CrossAttnDownBlock2D or DownBlock2D/,
    ],
    [{ act_fn: 'gelu' }, /act_fn: only "silu"/],
    [{ attention_head_dim: [2, 2, 2] }, /attention_head_dim: expected one number or 2/],
    [{ norm_num_groups: 3 }, /divisible by norm_num_groups/],
    [{ up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'] }, /must mirror/],
    [{ down_block_types: ['CrossAttnDownBlock2D', 'AttnDownBlock2D'] }, /AttnDownBlock2D/],
  ])('%j is refused by name', (change, message) => {
    expect(() => new UNet2DConditionModel({ ...config, ...change })).toThrow(message);
  });

  it('those of the temporal decoder too', () => {
    const vae = { block_out_channels: [32, 32], down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'], layers_per_block: 2 };
    expect(() => new AutoencoderKLTemporalDecoder({ ...vae, layers_per_block: 3 })).toThrow(/layers_per_block: only 2/);
    expect(() => new AutoencoderKLTemporalDecoder({ ...vae, down_block_types: ['DownEncoderBlock2D'] })).toThrow(
      /one DownEncoderBlock2D for each of the 2 levels/,
    );
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
