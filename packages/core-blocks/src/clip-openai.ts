import type { HostTensor } from '@controllab/tfjs-onnx';
import type { ClipConfig } from './clip.ts';
import { CoreBlocksError } from './error.ts';
import type { Stored } from './layout.ts';

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

/** Width of a head of openai/CLIP's vision towers. */
const VISION_HEAD = 64;

/** openai/CLIP's arguments as transformers' config. */
export function openaiClipConfig(c: OpenaiClipConfig): ClipConfig {
  const tower = (width: number, layers: number, heads: number) => ({ hidden_size: width, intermediate_size: width * 4, num_hidden_layers: layers, num_attention_heads: heads });
  return {
    projection_dim: c.embed_dim,
    text_config: { ...tower(c.transformer_width, c.transformer_layers, c.transformer_heads), vocab_size: c.vocab_size, max_position_embeddings: c.context_length },
    vision_config: { ...tower(c.vision_width, c.vision_layers, c.vision_width / VISION_HEAD), image_size: c.image_resolution, patch_size: c.vision_patch_size },
  };
}

/** Entries of published files that are not parameters. */
const BUFFERS = new Set(['attn_mask', 'input_resolution', 'context_length', 'vocab_size']);

/** transformers' names outside of the layers. */
const OUTER: Record<string, string> = {
  'token_embedding.weight': 'text_model.embeddings.token_embedding.weight',
  positional_embedding: 'text_model.embeddings.position_embedding.weight',
  'ln_final.weight': 'text_model.final_layer_norm.weight',
  'ln_final.bias': 'text_model.final_layer_norm.bias',
  'visual.class_embedding': 'vision_model.embeddings.class_embedding',
  'visual.positional_embedding': 'vision_model.embeddings.position_embedding.weight',
  'visual.conv1.weight': 'vision_model.embeddings.patch_embedding.weight',
  'visual.ln_pre.weight': 'vision_model.pre_layrnorm.weight',
  'visual.ln_pre.bias': 'vision_model.pre_layrnorm.bias',
  'visual.ln_post.weight': 'vision_model.post_layernorm.weight',
  'visual.ln_post.bias': 'vision_model.post_layernorm.bias',
  logit_scale: 'logit_scale',
};

/** Matrices that multiply from the right; a linear layer's weight is their transpose. */
const TRANSPOSED: Record<string, string> = { text_projection: 'text_projection.weight', 'visual.proj': 'visual_projection.weight' };

/** transformers' names inside of a layer. */
const INNER: Record<string, string> = { ln_1: 'layer_norm1', ln_2: 'layer_norm2', 'mlp.c_fc': 'mlp.fc1', 'mlp.c_proj': 'mlp.fc2', 'attn.out_proj': 'self_attn.out_proj' };

const LAYER = /^(visual\.)?transformer\.resblocks\.(\d+)\.(.+)[._](weight|bias)$/;

/**
 * A state dict in openai/CLIP's names (OpenCLIP has the same) in transformers' names, as {@link ClipModel} and its towers have them. Names that neither
 * knows are kept, for the loader to report.
 * @throws CoreBlocksError state-dict-mismatch when a stacked projection cannot be split, or a projection is no matrix.
 */
export function fromOpenaiClip(tensors: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> {
  const named: Record<string, HostTensor> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    if (BUFFERS.has(name)) continue;
    const [, visual, index, inner, kind] = LAYER.exec(name) ?? [];
    if (inner === undefined) {
      const transposed = TRANSPOSED[name];
      if (transposed === undefined) named[OUTER[name] ?? name] = tensor;
      else named[transposed] = transpose(name, tensor);
      continue;
    }
    const layer = `${visual ? 'vision_model' : 'text_model'}.encoder.layers.${index}`;
    if (inner === 'attn.in_proj') {
      for (const [part, third] of ['q_proj', 'k_proj', 'v_proj'].map((p, i) => [p, thirdOf(name, tensor, i)] as const)) named[`${layer}.self_attn.${part}.${kind}`] = third;
    } else named[INNER[inner] === undefined ? name : `${layer}.${INNER[inner]}.${kind}`] = tensor;
  }
  return named;
}

/** One of the query, key and value parts that are stacked along the first dimension. */
function thirdOf(name: string, { data, shape: [rows, ...rest] }: HostTensor, index: number): HostTensor {
  if (rows === undefined || rows % 3 !== 0) throw new CoreBlocksError('state-dict-mismatch', `${name}: expected query, key and value stacked, [3 * D, ...], found [${[rows, ...rest].join(', ')}]`, { name });
  const third = data.length / 3;
  return { data: data.slice(index * third, (index + 1) * third), shape: [rows / 3, ...rest] };
}

function transpose(name: string, { data, shape }: HostTensor): HostTensor {
  const [rows, columns] = shape;
  if (rows === undefined || columns === undefined || shape.length !== 2) throw new CoreBlocksError('state-dict-mismatch', `${name}: expected a matrix [D, E], found [${shape.join(', ')}]`, { name });
  const out = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c]!;
  return { data: out, shape: [columns, rows] };
}

const invert = (names: Record<string, string>): Map<string, string> => new Map(Object.entries(names).map(([theirs, ours]) => [ours, theirs]));
const THEIR_OUTER = invert(OUTER);
const THEIR_INNER = invert(INNER);
const THEIR_TRANSPOSED = invert(TRANSPOSED);

/** Where a file in openai/CLIP's names keeps a text tower's parameter: {@link fromOpenaiClip} backwards, for tensors that stay in the file. */
export function openaiTextName(name: string): Stored {
  const transposed = THEIR_TRANSPOSED.get(name);
  if (transposed !== undefined) return { name: transposed, transposed: true };
  const [, index, inner, kind] = /^text_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  if (inner === undefined) return { name: THEIR_OUTER.get(name) ?? name };
  const part = ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'].indexOf(inner);
  const block = `transformer.resblocks.${index}`;
  return part >= 0 ? { name: `${block}.attn.in_proj_${kind}`, part: [part, 3] } : { name: `${block}.${THEIR_INNER.get(inner) ?? inner}.${kind}` };
}
