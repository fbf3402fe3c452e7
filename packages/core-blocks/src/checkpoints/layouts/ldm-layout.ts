import { openaiClipName } from '../../clip/openai.ts';
import type { Layout } from './layout.ts';
import type { TensorSource } from '../tensor-source.ts';

/*
 * Where the single-file checkpoints of CompVis latent-diffusion and its descendants (SD1, SD2, SDXL, SVD) keep what diffusers' names call
 * something else. The names follow from the architecture, so each layout is a function of the config.
 */

/** What of a U-Net's config decides the names. */
export interface BlockLayout {
  /** One number for all levels, or one for each. */
  layers_per_block: number | readonly number[];
  up_block_types?: readonly string[];
}

const OUTER: readonly (readonly [string, string])[] = [
  ['conv_in.', 'input_blocks.0.0.'],
  ['time_embedding.linear_1.', 'time_embed.0.'],
  ['time_embedding.linear_2.', 'time_embed.2.'],
  ['add_embedding.linear_1.', 'label_emb.0.0.'],
  ['add_embedding.linear_2.', 'label_emb.0.2.'],
  ['conv_norm_out.', 'out.0.'],
  ['conv_out.', 'out.2.'],
];
const RESNET: Record<string, string> = {
  norm1: 'in_layers.0',
  conv1: 'in_layers.2',
  time_emb_proj: 'emb_layers.1',
  norm2: 'out_layers.0',
  conv2: 'out_layers.3',
  conv_shortcut: 'skip_connection',
};

const BLOCK = /^(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)$/;
const MIDDLE = /^mid_block\.(resnets|attentions)\.(\d+)\.(.+)$/;

/**
 * `conv1.weight` to `in_layers.2.weight`; of a block with a temporal half, `temporal_res_block.conv1.weight` to
 * `time_stack.in_layers.2.weight`.
 */
function inResnet(rest: string): string {
  const [, half = '', layer] = /^(?:(spatial|temporal)_res_block\.)?(.+)$/.exec(rest)!;
  return (half === 'temporal' ? 'time_stack.' : '') + layer!.replace(/^\w+/, (name) => RESNET[name] ?? name);
}

/** The temporal half of a transformer and the embedding of the frame's number; all else has one name. */
const inAttention = (rest: string): string =>
  rest
    .replace(/^temporal_transformer_blocks\./, 'time_stack.')
    .replace(/^time_pos_embed\.linear_([12])\./, (_, layer) => `time_pos_embed.${2 * (Number(layer) - 1)}.`);

/**
 * The name of a U-Net's (or a ControlNet's encoder's) parameter in LDM's list of input and output blocks: every layer and every downsampler
 * is a block of its own, an upsampler is the last part of its level's last block.
 */
export function ldmBlockName(name: string, { layers_per_block, up_block_types: upTypes = [] }: BlockLayout): string {
  const [, direction, levelText, kind, layerText, rest] = BLOCK.exec(name) ?? [];
  if (rest !== undefined) {
    const perLevel = typeof layers_per_block === 'number' ? null : direction === 'down' ? layers_per_block : layers_per_block.toReversed();
    const layersAt = (i: number): number => perLevel?.[i] ?? (layers_per_block as number);
    const layers = layersAt(Number(levelText));
    const level = Array.from({ length: Number(levelText) }, (_, i) => layersAt(i) + 1).reduce((a, b) => a + b, 0);
    const block =
      direction === 'down'
        ? `input_blocks.${1 + level + (kind === 'downsamplers' ? layers : Number(layerText))}`
        : `output_blocks.${level + (kind === 'upsamplers' ? layers : Number(layerText))}`;
    switch (kind) {
      case 'resnets':
        return `${block}.0.${inResnet(rest)}`;
      case 'attentions':
        return `${block}.1.${inAttention(rest)}`;
      case 'downsamplers':
        return `${block}.0.${rest.replace(/^conv\b/, 'op')}`;
      default:
        return `${block}.${upTypes[Number(levelText)]?.startsWith('CrossAttn') ? 2 : 1}.${rest}`;
    }
  }
  const [, part, index, inner] = MIDDLE.exec(name) ?? [];
  if (inner !== undefined)
    return part === 'attentions' ? `middle_block.1.${inAttention(inner)}` : `middle_block.${2 * Number(index)}.${inResnet(inner)}`;
  const outer = OUTER.find(([ours]) => name.startsWith(ours));
  return outer ? outer[1] + name.slice(outer[0].length) : name;
}

/** The U-Net of SD1, SD2, SDXL and SVD. `config`: diffusers' keys. */
export const ldmUNet = (config: BlockLayout): Layout => ({
  prefix: 'model.diffusion_model.',
  stored: (name) => ({ name: ldmBlockName(name, config) }),
});

const VAE: readonly (readonly [RegExp, string])[] = [
  [/\.down_blocks\.(\d+)\./, '.down.$1.'],
  [/\.resnets\.(\d+)\./, '.block.$1.'],
  [/\.(down|up)samplers\.0\./, '.$1sample.'],
  [/\.mid_block\.block\.0\./, '.mid.block_1.'],
  [/\.mid_block\.block\.1\./, '.mid.block_2.'],
  [/\.mid_block\.attentions\.0\./, '.mid.attn_1.'],
  [/\.attn_1\.group_norm\./, '.attn_1.norm.'],
  [/\.attn_1\.to_([qkv])\./, '.attn_1.$1.'],
  [/\.attn_1\.to_out\.0\./, '.attn_1.proj_out.'],
  [/\.conv_shortcut\./, '.nin_shortcut.'],
  [/\.conv_norm_out\./, '.norm_out.'],
  // SVD's decoder, whose blocks have a temporal half
  [/\.spatial_res_block\./, '.'],
  [/\.temporal_res_block\.(\w+)\./, '.time_stack.$1.'],
  [/\.time_mixer\.mix_factor$/, '.mix_factor'],
  [/^decoder\.time_conv_out\./, 'decoder.conv_out.time_mix_conv.'],
];

/** What autoencoders were trained with: the discriminator and perceptual loss, and the count of the moving average. */
const VAE_LEFTOVERS = /^(loss|model_ema)\./;

/**
 * The autoencoder, SVD's with its temporal decoder too. LDM numbers the decoder's levels from the finest, diffusers in the order they run.
 * @param prefix '' in a file that holds nothing else
 */
export const ldmVae = (config: { block_out_channels: readonly number[] }, prefix = 'first_stage_model.'): Layout => ({
  prefix,
  stored: (name) => {
    const numbered = name.replace(/\.up_blocks\.(\d+)\./, (_, level) => `.up.${config.block_out_channels.length - 1 - Number(level)}.`);
    const named = VAE.reduce((result, [ours, theirs]) => result.replace(ours, theirs), numbered);
    // The temporal half is a block of the U-Net's kind, and named like one.
    return { name: named.replace(/(?<=\.time_stack\.)\w+/, (layer) => RESNET[layer] ?? layer) };
  },
  ignored: (name) => VAE_LEFTOVERS.test(name),
});

/** An autoencoder in a file of its own, in LDM's names (with their prefix or without) or in diffusers'. */
export function vaeFile({ header }: TensorSource, config: { block_out_channels: readonly number[] }): Layout {
  const has = (prefix: string): boolean => [...header.keys()].some((name) => name.startsWith(prefix));
  if (has('first_stage_model.')) return ldmVae(config);
  if (has('encoder.down.') || has('decoder.up.')) return ldmVae(config, '');
  return { prefix: '', stored: (name) => ({ name }), ignored: (name) => VAE_LEFTOVERS.test(name) };
}

/** Of a whole CLIP, what a text encoder does not use: the other tower, projections and temperature, and buffers. */
const CLIP_LEFTOVERS =
  /^(logit_scale|logit_bias|attn_mask|(text|visual)_projection(\.weight)?|vision_model\..+|visual\..+|(embeddings\.)?position_ids)$/;

/**
 * A text encoder in transformers' names, such as a component's directory holds; some files (NAI's descendants, transformers 5) leave
 * `text_model.` out. The rest of a whole CLIP is left unused, and so is a projection that the config's encoder does not have.
 */
export function transformersText({ header }: Pick<TensorSource, 'header'>, prefix = ''): Layout {
  const bare = header.has(`${prefix}embeddings.token_embedding.weight`);
  return {
    prefix,
    stored: (name) => ({ name: bare ? name.replace(/^text_model\./, '') : name }),
    ignored: (name) => CLIP_LEFTOVERS.test(name.replace(/^text_model\./, '')),
  };
}

/**
 * Text encoder `index` of a file: OpenAI's CLIP under transformers' names (SD1, SDXL's first), or OpenCLIP with stacked projections (SD2,
 * SDXL's second), whichever the file has. Of OpenCLIP's tower the layers beyond the config's are left unused (SD2 stops one early), and so
 * may its projection be.
 */
export function ldmText({ header }: Pick<TensorSource, 'header'>, index: number, config: { num_hidden_layers: number }): Layout {
  const names = [...header.keys()];
  const root = names.some((name) => name.startsWith('conditioner.')) ? `conditioner.embedders.${index}.` : 'cond_stage_model.';
  if (!names.some((name) => name.startsWith(`${root}model.`))) return transformersText({ header }, `${root}transformer.`);
  return {
    prefix: `${root}model.`,
    stored: openaiClipName,
    ignored: (name) =>
      CLIP_LEFTOVERS.test(name) || Number(/^transformer\.resblocks\.(\d+)\./.exec(name)?.[1] ?? -1) >= config.num_hidden_layers,
  };
}
