import type { ClipConfig } from './clip.ts';
import type { Layout, Stored } from '../checkpoints/layouts/layout.ts';

/** Arguments of openai/CLIP's `CLIP` class, by its names. */
export interface OpenaiClipConfig {
  embed_dim: number;
  image_resolution: number;
  vision_layers: number;
  vision_width: number;
  vision_patch_size: number;
  context_length: number;
  vocab_size: number;
  transformer_width: number;
  transformer_heads: number;
  transformer_layers: number;
}

/** What the layers of both towers are activated by. */
export type ClipActivation = 'quick_gelu' | 'gelu';

/** Width of a head of openai/CLIP's vision towers. */
const VISION_HEAD = 64;

/**
 * openai/CLIP's arguments as transformers' config.
 * @param activation openai/CLIP's is quick_gelu; OpenCLIP trains the same networks with gelu, and their weights do not tell
 */
export function openaiClipConfig(c: OpenaiClipConfig, activation: ClipActivation = 'quick_gelu'): ClipConfig {
  const tower = (width: number, layers: number, heads: number) => ({
    hidden_size: width,
    intermediate_size: width * 4,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    hidden_act: activation,
  });
  return {
    projection_dim: c.embed_dim,
    text_config: {
      ...tower(c.transformer_width, c.transformer_layers, c.transformer_heads),
      vocab_size: c.vocab_size,
      max_position_embeddings: c.context_length,
    },
    vision_config: {
      ...tower(c.vision_width, c.vision_layers, Math.floor(c.vision_width / VISION_HEAD)),
      image_size: c.image_resolution,
      patch_size: c.vision_patch_size,
    },
  };
}

/** Entries of published files that are not parameters. */
const BUFFERS = new Set(['attn_mask', 'input_resolution', 'context_length', 'vocab_size']);

/** openai/CLIP's names outside of the layers, by transformers'. */
const OUTER: Record<string, string> = {
  'text_model.embeddings.token_embedding.weight': 'token_embedding.weight',
  'text_model.embeddings.position_embedding.weight': 'positional_embedding',
  'text_model.final_layer_norm.weight': 'ln_final.weight',
  'text_model.final_layer_norm.bias': 'ln_final.bias',
  'vision_model.embeddings.class_embedding': 'visual.class_embedding',
  'vision_model.embeddings.position_embedding.weight': 'visual.positional_embedding',
  'vision_model.embeddings.patch_embedding.weight': 'visual.conv1.weight',
  'vision_model.pre_layrnorm.weight': 'visual.ln_pre.weight',
  'vision_model.pre_layrnorm.bias': 'visual.ln_pre.bias',
  'vision_model.post_layernorm.weight': 'visual.ln_post.weight',
  'vision_model.post_layernorm.bias': 'visual.ln_post.bias',
};

/** Matrices that multiply from the right; a linear layer's weight is their transpose. */
const TRANSPOSED: Record<string, string> = { 'text_projection.weight': 'text_projection', 'visual_projection.weight': 'visual.proj' };

/** Names inside of a layer. */
const INNER: Record<string, string> = {
  layer_norm1: 'ln_1',
  layer_norm2: 'ln_2',
  'mlp.fc1': 'mlp.c_fc',
  'mlp.fc2': 'mlp.c_proj',
  'self_attn.out_proj': 'attn.out_proj',
};

/** Projections that are stacked in this order. */
const STACKED = ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'];

const LAYER = /^(text|vision)_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)$/;

/** Where a file in openai/CLIP's names (OpenCLIP has the same) keeps a parameter of `ClipModel` or one of its towers. */
export function openaiClipName(name: string): Stored {
  const transposed = TRANSPOSED[name];
  if (transposed !== undefined) return { name: transposed, transposed: true };
  const [, tower, index, inner, kind] = LAYER.exec(name) ?? [];
  if (inner === undefined) return { name: OUTER[name] ?? name };
  const block = `${tower === 'vision' ? 'visual.' : ''}transformer.resblocks.${index}`;
  const part = STACKED.indexOf(inner);
  return part >= 0
    ? { name: `${block}.attn.in_proj_${kind}`, part: [part, STACKED.length] }
    : { name: `${block}.${INNER[inner] ?? inner}.${kind}` };
}

/** A whole CLIP in openai/CLIP's names, under `prefix`. */
export const openaiClip = (prefix = ''): Layout => ({ prefix, stored: openaiClipName, ignored: (name) => BUFFERS.has(name) });
