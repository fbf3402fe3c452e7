import { expect, it } from 'vitest';
import { controlNet, ldmConcatenation } from '@controllab/controlnet';
import type { Method, UNet2DConditionConfig } from '@controllab/core-blocks';
import { trainedInBase } from '@controllab/training';
import { imageDenoiser } from './denoisers.ts';

const CONFIG: UNet2DConditionConfig = {
  block_out_channels: [8, 16],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
  layers_per_block: 1,
  attention_head_dim: 2,
  cross_attention_dim: 8,
  norm_num_groups: 4,
};
const denoiser = (more: Partial<UNet2DConditionConfig>, extraInputs = 0) =>
  imageDenoiser({ ...CONFIG, ...more }, { family: 'mini', factor: 4, latent: { height: 4, width: 4 }, tokens: 5, extraInputs });

it.each<[Partial<UNet2DConditionConfig>, string]>([
  [{ num_class_embeds: 1000 }, 'class labels (class_embed_type table)'],
  [{ class_embed_type: 'identity' }, 'class labels (class_embed_type identity)'],
  [{ addition_embed_type: 'image', encoder_hid_dim: 6 }, 'an image embedding (addition_embed_type image)'],
  [{ encoder_hid_dim_type: 'image_proj', encoder_hid_dim: 6 }, 'an image embedding (encoder_hid_dim_type image_proj)'],
  [{ time_cond_proj_dim: 4 }, 'a latent consistency model'],
])('a U-Net of %j says what it also wants', (more, wanted) => {
  expect(() => denoiser(more)).toThrow(wanted);
});

it('reads text of the width that the network projects, and per-level layers', () => {
  expect(denoiser({ encoder_hid_dim: 6, layers_per_block: [1, 2] }).inputs(2)['context']!.shape).toEqual([2, 5, 6]);
});

it('a base of some dropout predicts, and is a locked copy, but does not train', () => {
  const trained = (method: Method) => {
    const control = method.create(denoiser({ dropout: 0.1 }).target);
    return trainedInBase({ denoiser: denoiser({ dropout: 0.1 }, control.extraInputs), control });
  };
  expect(trained(controlNet())).toEqual([]);
  expect(() => trained(ldmConcatenation())).toThrow(/a dropout of 0.1, which is not done/);
});
