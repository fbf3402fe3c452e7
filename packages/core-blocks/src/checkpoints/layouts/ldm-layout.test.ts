import { describe, expect, it } from 'vitest';
import { clipTextBigG } from '../../clip/text-tower.ts';
import { openaiClipName } from '../../clip/openai.ts';
import { ldmBlockName, ldmText, ldmUNet, ldmVae, type BlockLayout } from './ldm-layout.ts';
import type { Layout } from './layout.ts';
import type { Module } from '../../module.ts';
import { clipTextSd21 } from '../../clip/text-transformer.ts';
import type { TensorSource } from '../tensor-source.ts';
import { sd15, sdxl, svd } from '../../unet/presets.ts';
import { vaeSd, vaeSvd } from '../../autoencoder/vae.ts';

const SD15: BlockLayout = {
  layers_per_block: 2,
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
};
const SDXL: BlockLayout = { layers_per_block: 2, up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'] };
const SVD: BlockLayout = {
  layers_per_block: 2,
  up_block_types: ['UpBlockSpatioTemporal', ...Array<string>(3).fill('CrossAttnUpBlockSpatioTemporal')],
};
const stored = ({ stored }: Layout, module: Module) => [...module.parameters().keys()].map((name) => stored(name).name);

// Left: what the published v1-5-pruned.safetensors, sd_xl_base_1.0.safetensors and svd_xt.safetensors call the tensors behind
// `model.diffusion_model.`.
describe('LDM names of a U-Net', () => {
  it.each([
    ['input_blocks.0.0.weight', 'conv_in.weight'],
    ['time_embed.2.bias', 'time_embedding.linear_2.bias'],
    ['input_blocks.1.0.in_layers.0.weight', 'down_blocks.0.resnets.0.norm1.weight'],
    ['input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight', 'down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_k.weight'],
    ['input_blocks.3.0.op.weight', 'down_blocks.0.downsamplers.0.conv.weight'],
    ['input_blocks.4.0.skip_connection.weight', 'down_blocks.1.resnets.0.conv_shortcut.weight'],
    ['input_blocks.8.0.emb_layers.1.bias', 'down_blocks.2.resnets.1.time_emb_proj.bias'],
    ['input_blocks.11.0.out_layers.3.weight', 'down_blocks.3.resnets.1.conv2.weight'],
    ['middle_block.0.in_layers.2.weight', 'mid_block.resnets.0.conv1.weight'],
    ['middle_block.1.proj_in.weight', 'mid_block.attentions.0.proj_in.weight'],
    ['middle_block.2.out_layers.0.bias', 'mid_block.resnets.1.norm2.bias'],
    ['output_blocks.2.1.conv.weight', 'up_blocks.0.upsamplers.0.conv.weight'],
    ['output_blocks.3.0.in_layers.2.weight', 'up_blocks.1.resnets.0.conv1.weight'],
    ['output_blocks.5.2.conv.bias', 'up_blocks.1.upsamplers.0.conv.bias'],
    ['output_blocks.11.1.proj_out.weight', 'up_blocks.3.attentions.2.proj_out.weight'],
    ['out.0.weight', 'conv_norm_out.weight'],
    ['out.2.bias', 'conv_out.bias'],
  ])('SD1: %s', (theirs, ours) => expect(ldmBlockName(ours, SD15)).toBe(theirs));

  it.each([
    ['label_emb.0.0.weight', 'add_embedding.linear_1.weight'],
    ['label_emb.0.2.weight', 'add_embedding.linear_2.weight'],
    ['input_blocks.8.1.transformer_blocks.9.ff.net.0.proj.weight', 'down_blocks.2.attentions.1.transformer_blocks.9.ff.net.0.proj.weight'],
    ['output_blocks.2.2.conv.weight', 'up_blocks.0.upsamplers.0.conv.weight'],
    ['output_blocks.8.0.skip_connection.bias', 'up_blocks.2.resnets.2.conv_shortcut.bias'],
  ])('SDXL: %s', (theirs, ours) => expect(ldmBlockName(ours, SDXL)).toBe(theirs));

  it.each([
    ['input_blocks.1.0.in_layers.2.weight', 'down_blocks.0.resnets.0.spatial_res_block.conv1.weight'],
    ['input_blocks.1.0.time_stack.in_layers.2.weight', 'down_blocks.0.resnets.0.temporal_res_block.conv1.weight'],
    ['input_blocks.1.0.time_stack.emb_layers.1.bias', 'down_blocks.0.resnets.0.temporal_res_block.time_emb_proj.bias'],
    ['input_blocks.1.0.time_mixer.mix_factor', 'down_blocks.0.resnets.0.time_mixer.mix_factor'],
    [
      'input_blocks.1.1.time_stack.0.ff_in.net.0.proj.weight',
      'down_blocks.0.attentions.0.temporal_transformer_blocks.0.ff_in.net.0.proj.weight',
    ],
    ['input_blocks.1.1.time_pos_embed.2.weight', 'down_blocks.0.attentions.0.time_pos_embed.linear_2.weight'],
    ['input_blocks.1.1.time_mixer.mix_factor', 'down_blocks.0.attentions.0.time_mixer.mix_factor'],
    ['middle_block.1.time_pos_embed.0.bias', 'mid_block.attentions.0.time_pos_embed.linear_1.bias'],
    ['middle_block.2.time_stack.out_layers.3.weight', 'mid_block.resnets.1.temporal_res_block.conv2.weight'],
    ['output_blocks.5.2.conv.bias', 'up_blocks.1.upsamplers.0.conv.bias'],
  ])('SVD: %s', (theirs, ours) => expect(ldmBlockName(ours, SVD)).toBe(theirs));

  it('are one for each parameter', () => {
    for (const [module, config] of [
      [sd15(), SD15],
      [sdxl(), SDXL],
      [svd(), SVD],
    ] as const) {
      const names = stored(ldmUNet(config), module);
      expect(new Set(names).size).toBe(names.length);
      expect(
        names.filter(
          (name) =>
            !/^(input_blocks|middle_block|output_blocks|time_embed|label_emb|out)\./.test(name) || /res_block|temporal_|linear_/.test(name),
        ),
      ).toEqual([]);
    }
  });
});

describe('LDM names of an autoencoder', () => {
  const layout = ldmVae({ block_out_channels: [128, 256, 512, 512] });

  it.each([
    ['encoder.down.1.block.0.nin_shortcut.weight', 'encoder.down_blocks.1.resnets.0.conv_shortcut.weight'],
    ['encoder.down.2.downsample.conv.bias', 'encoder.down_blocks.2.downsamplers.0.conv.bias'],
    ['encoder.mid.block_2.norm1.weight', 'encoder.mid_block.resnets.1.norm1.weight'],
    ['encoder.norm_out.weight', 'encoder.conv_norm_out.weight'],
    ['decoder.mid.attn_1.norm.weight', 'decoder.mid_block.attentions.0.group_norm.weight'],
    ['decoder.mid.attn_1.k.bias', 'decoder.mid_block.attentions.0.to_k.bias'],
    ['decoder.mid.attn_1.proj_out.weight', 'decoder.mid_block.attentions.0.to_out.0.weight'],
    ['decoder.up.3.upsample.conv.weight', 'decoder.up_blocks.0.upsamplers.0.conv.weight'],
    ['decoder.up.0.block.2.conv2.weight', 'decoder.up_blocks.3.resnets.2.conv2.weight'],
    ['post_quant_conv.weight', 'post_quant_conv.weight'],
    ['decoder.mid.block_1.norm1.weight', 'decoder.mid_block.resnets.0.spatial_res_block.norm1.weight'],
    ['decoder.mid.block_1.time_stack.in_layers.0.weight', 'decoder.mid_block.resnets.0.temporal_res_block.norm1.weight'],
    ['decoder.up.2.block.1.mix_factor', 'decoder.up_blocks.1.resnets.1.time_mixer.mix_factor'],
    ['decoder.conv_out.time_mix_conv.bias', 'decoder.time_conv_out.bias'],
    ['decoder.conv_out.bias', 'decoder.conv_out.bias'],
  ])('%s', (theirs, ours) => expect(layout.stored(ours).name).toBe(theirs));

  it('are one for each parameter', () => {
    for (const module of [vaeSd(), vaeSvd()]) {
      const names = stored(layout, module);
      expect(new Set(names).size).toBe(names.length);
      expect(names.filter((name) => /_blocks|resnets|to_|conv_shortcut|conv_norm|res_block|time_mixer|time_conv/.test(name))).toEqual([]);
    }
  });
});

describe('ldmText', () => {
  const prefix = (index: number, ...names: string[]) =>
    ldmText({ header: new Map(names.map((name) => [name, { shape: [] }])) } as unknown as TensorSource, index, { num_hidden_layers: 23 })
      .prefix;

  it('finds the text encoders of SD1, SD2 and XL', () => {
    expect(prefix(0, 'cond_stage_model.transformer.text_model.embeddings.position_ids')).toBe('cond_stage_model.transformer.');
    expect(prefix(0, 'cond_stage_model.model.ln_final.weight')).toBe('cond_stage_model.model.');
    const xl = ['conditioner.embedders.0.transformer.text_model.final_layer_norm.bias', 'conditioner.embedders.1.model.ln_final.bias'];
    expect([prefix(0, ...xl), prefix(1, ...xl)]).toEqual(['conditioner.embedders.0.transformer.', 'conditioner.embedders.1.model.']);
  });

  it("leaves the layers beyond the config's unused, and only those", () => {
    const { ignored } = ldmText(
      { header: new Map([['cond_stage_model.model.logit_scale', { shape: [] }]]) } as unknown as TensorSource,
      0,
      { num_hidden_layers: 23 },
    );
    expect(
      [
        'transformer.resblocks.23.ln_1.weight',
        'text_projection',
        'logit_scale',
        'transformer.resblocks.22.ln_1.wait',
        'ln_final.other',
      ].map((name) => ignored!(name)),
    ).toEqual([true, true, true, false, false]);
  });
});

describe('OpenCLIP names of a text tower', () => {
  it('stack query, key and value, and transpose the projection', () => {
    expect(openaiClipName('text_model.encoder.layers.7.self_attn.k_proj.bias')).toEqual({
      name: 'transformer.resblocks.7.attn.in_proj_bias',
      part: [1, 3],
    });
    expect(openaiClipName('text_model.encoder.layers.7.self_attn.v_proj.weight')).toEqual({
      name: 'transformer.resblocks.7.attn.in_proj_weight',
      part: [2, 3],
    });
    expect(openaiClipName('text_model.encoder.layers.0.self_attn.out_proj.weight').name).toBe(
      'transformer.resblocks.0.attn.out_proj.weight',
    );
    expect(openaiClipName('text_model.encoder.layers.22.mlp.fc1.bias').name).toBe('transformer.resblocks.22.mlp.c_fc.bias');
    expect(openaiClipName('text_model.embeddings.position_embedding.weight').name).toBe('positional_embedding');
    expect(openaiClipName('text_projection.weight')).toEqual({ name: 'text_projection', transposed: true });
  });

  it('cover every parameter', () => {
    for (const module of [clipTextSd21(), clipTextBigG()]) {
      const places = [...module.parameters().keys()].map((name) => JSON.stringify(openaiClipName(name)));
      expect(new Set(places).size).toBe(places.length);
      expect(places.filter((place) => place.includes('text_model'))).toEqual([]);
    }
  });
});
