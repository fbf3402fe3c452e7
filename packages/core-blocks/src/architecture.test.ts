import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { clipTextSd15, clipTextSd21 } from './text-transformer.ts';
import { countParameters, type Module } from './module.ts';
import { sd15, sd21, UNet2DConditionModel } from './unet.ts';
import { AutoencoderKL, vaeSd } from './vae.ts';

const published = (name: string) => JSON.parse(fs.readFileSync(path.join(import.meta.dirname, '../../../fixtures/reference/arch', `${name}.json`), 'utf8')) as { config: never; params: Record<string, number[]> };
const shapes = (module: Module) => Object.fromEntries([...module.parameters()].map(([name, { shape }]) => [name, shape]));

describe('published architectures', () => {
  it.each([
    ['unet_sd15', sd15],
    ['vae_sd', vaeSd],
  ] as const)('%s has exactly the published names and shapes', (name, build) => {
    expect(shapes(build())).toEqual(published(name).params);
  });

  it('are built from the published configs as they are', () => {
    expect(shapes(new UNet2DConditionModel(published('unet_sd15').config))).toEqual(published('unet_sd15').params);
    expect(shapes(new AutoencoderKL(published('vae_sd').config))).toEqual(published('vae_sd').params);
  });

  it.each([
    ['SD1.5 U-Net', sd15, 859_520_964],
    ['SD2.1 U-Net', sd21, 865_910_724],
    ['autoencoder', vaeSd, 83_653_863],
    ['CLIP ViT-L/14 text', clipTextSd15, 123_060_480],
    ['OpenCLIP ViT-H/14 text, 23 layers', clipTextSd21, 340_387_840],
  ] as const)('%s has %s parameters', (_, build, count) => {
    expect(countParameters(build())).toBe(count);
  });
});

describe('config checks', () => {
  const config = { block_out_channels: [8, 16], down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'], up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'], layers_per_block: 1, attention_head_dim: 2, cross_attention_dim: 4, norm_num_groups: 4 };

  it.each([
    [{ layers_per_blok: 2 }, /layers_per_blok: unknown key/],
    [{ addition_embed_type: 'text_time' }, /addition_embed_type/],
    [{ act_fn: 'gelu' }, /act_fn: only "silu"/],
    [{ attention_head_dim: [2, 2, 2] }, /attention_head_dim: expected one number or 2/],
    [{ norm_num_groups: 3 }, /divisible by norm_num_groups/],
    [{ up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'] }, /must mirror/],
    [{ down_block_types: ['CrossAttnDownBlock2D', 'AttnDownBlock2D'] }, /AttnDownBlock2D/],
  ])('%j is refused by name', (change, message) => {
    expect(() => new UNet2DConditionModel({ ...config, ...change })).toThrow(message);
  });

  it('keys that change nothing are accepted', () => {
    const more = { _class_name: 'UNet2DConditionModel', sample_size: 64, act_fn: 'silu', class_embed_type: null, dual_cross_attention: false, dropout: 0 };
    expect(countParameters(new UNet2DConditionModel({ ...config, ...more }))).toBe(countParameters(new UNet2DConditionModel(config)));
  });
});
