import { ClipModel } from './clip.ts';
import { openaiClipConfig, type ClipActivation } from './openai.ts';

const OPENAI = { context_length: 77, vocab_size: 49408, transformer_layers: 12 };
const B = {
  ...OPENAI,
  embed_dim: 512,
  image_resolution: 224,
  vision_layers: 12,
  vision_width: 768,
  transformer_width: 512,
  transformer_heads: 8,
};
const L14 = {
  ...OPENAI,
  embed_dim: 768,
  vision_layers: 24,
  vision_width: 1024,
  vision_patch_size: 14,
  transformer_width: 768,
  transformer_heads: 12,
};

/** OpenAI's ViT-B/32: 151,277,313 parameters. */
export const clipVitB32 = (activation?: ClipActivation) => new ClipModel(openaiClipConfig({ ...B, vision_patch_size: 32 }, activation));

/** OpenAI's ViT-B/16: 149,620,737 parameters. */
export const clipVitB16 = (activation?: ClipActivation) => new ClipModel(openaiClipConfig({ ...B, vision_patch_size: 16 }, activation));

/** OpenAI's ViT-L/14: 427,616,513 parameters. */
export const clipVitL14 = (activation?: ClipActivation) => new ClipModel(openaiClipConfig({ ...L14, image_resolution: 224 }, activation));

/** OpenAI's ViT-L/14 at 336 pixels: 427,944,193 parameters. */
export const clipVitL14At336 = (activation?: ClipActivation) =>
  new ClipModel(openaiClipConfig({ ...L14, image_resolution: 336 }, activation));
