import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inLayout, initialize, loadStateDict, readSafetensors, writeSafetensors } from '@controllab/core-blocks';
import { describe, expect, it } from 'vitest';
import { cldm } from './cldm-layout.ts';
import { ControlNetModel, controlNetSd15 } from './controlnet.ts';

describe('cldm', () => {
  const layout = cldm({ layers_per_block: 2 });

  // Left: what the published control_sd15_canny calls the tensors behind `control_model.`.
  it.each([
    ['input_hint_block.0.weight', 'controlnet_cond_embedding.conv_in.weight'],
    ['input_hint_block.2.bias', 'controlnet_cond_embedding.blocks.0.bias'],
    ['input_hint_block.12.weight', 'controlnet_cond_embedding.blocks.5.weight'],
    ['input_hint_block.14.weight', 'controlnet_cond_embedding.conv_out.weight'],
    ['zero_convs.11.0.weight', 'controlnet_down_blocks.11.weight'],
    ['middle_block_out.0.bias', 'controlnet_mid_block.bias'],
    ['input_blocks.0.0.weight', 'conv_in.weight'],
    ['input_blocks.11.0.in_layers.2.weight', 'down_blocks.3.resnets.1.conv1.weight'],
    ['middle_block.1.transformer_blocks.0.norm1.weight', 'mid_block.attentions.0.transformer_blocks.0.norm1.weight'],
  ])('%s', (theirs, ours) => expect(layout.stored(ours).name).toBe(theirs));

  it('has one name for each parameter', () => {
    const names = [...controlNetSd15().parameters().keys()].map((name) => layout.stored(name).name);
    expect(new Set(names).size).toBe(names.length);
    expect(
      names.filter((name) => !/^(input_hint_block|input_blocks|middle_block|middle_block_out|zero_convs|time_embed)\./.test(name)),
    ).toEqual([]);
  });

  it('reads a file', () => {
    const config = {
      block_out_channels: [4, 4],
      down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
      layers_per_block: 1,
      attention_head_dim: 2,
      cross_attention_dim: 2,
      norm_num_groups: 2,
      conditioning_embedding_out_channels: [2, 2],
    };
    const controlnet = new ControlNetModel(config, { connection: 'gaussian' });
    const weights = initialize(controlnet, 1);
    const { prefix, stored } = cldm(config);
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cldm-'));
    const file = path.join(directory, 'control.safetensors');
    writeSafetensors(file, Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [prefix + stored(name).name, tensor])));
    expect(loadStateDict(controlnet, inLayout(readSafetensors(file), controlnet, cldm(config)))).toEqual(weights);
    fs.rmSync(directory, { recursive: true });
  });
});
