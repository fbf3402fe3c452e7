import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ClipModel, clipVitB32, clipVitL14, clipVitL14At336 } from './clip.ts';
import { fromOpenaiClip } from './clip-openai.ts';
import { clipTextBigG } from './clip-text.ts';
import { ClipVisionTower, clipVisionH14 } from './clip-vision.ts';
import { countParameters, initialize, withParameters } from './module.ts';
import { clipTextSd15, clipTextSd21 } from './text-transformer.ts';

const tower = { hidden_size: 8, intermediate_size: 16, num_hidden_layers: 2, num_attention_heads: 2 };
const config = { text_config: { ...tower, vocab_size: 10, max_position_embeddings: 6 }, vision_config: { ...tower, image_size: 8, patch_size: 4 }, projection_dim: 5 };

beforeAll(() => tf.setBackend('cpu'));

/** Runs with the model's initial values. */
function run(model: ClipModel, f: () => tf.Tensor): Float32Array {
  const tensors = Object.fromEntries(Object.entries(initialize(model, 3)).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));
  return withParameters(model, tensors, f).dataSync() as Float32Array;
}

describe('CLIP presets', () => {
  const { counts } = JSON.parse(fs.readFileSync(path.join(import.meta.dirname, '../../../fixtures/reference/arch/clip_counts.json'), 'utf8')) as { counts: Record<string, number> };
  const published = Object.values(counts);

  it.each([
    ['ViT-B/32', clipVitB32, 151_277_313],
    ['ViT-L/14', clipVitL14, 427_616_513],
    ['ViT-H/14 vision with projection', clipVisionH14, 632_076_800],
    ['ViT-bigG/14 text with projection', clipTextBigG, 694_659_840],
    ['ViT-L/14 text', clipTextSd15, 123_060_480],
    ['ViT-H/14 text, 23 layers', clipTextSd21, 340_387_840],
  ] as const)('%s has exactly as many parameters as published', (_, build, count) => {
    expect(countParameters(build())).toBe(count);
    expect(published).toContain(count);
  });

  it('ViT-L/14 at 336 pixels has the positions of 24 x 24 patches more', () => {
    expect(countParameters(clipVitL14At336()) - countParameters(clipVitL14())).toBe((24 * 24 - 16 * 16) * 1024);
  });
});

describe('ClipModel', () => {
  it('pools the text at its end, whatever pads it', () => {
    const model = new ClipModel(config);
    const embed = (ids: number[]) => run(model, () => model.text.encode(tf.tensor2d([ids], [1, 6], 'int32')).embeds);
    const text = embed([8, 1, 2, 9, 0, 0]);
    expect(text).toHaveLength(5);
    expect(embed([8, 1, 2, 9, 9, 9])).toEqual(text);
    expect(embed([8, 1, 2, 9, 3, 4])).toEqual(text);
    expect(embed([8, 1, 9, 2, 0, 0])).not.toEqual(text);
  });

  it('gives cosines times the temperature, 1 / 0.07 at the start', () => {
    const model = new ClipModel(config);
    const image = tf.tensor(Float32Array.from({ length: 2 * 3 * 64 }, (_, i) => Math.sin(i)), [2, 3, 8, 8]);
    const ids = tf.tensor2d([[8, 1, 9], [8, 3, 9]], [2, 3], 'int32');
    const unit = (v: Float32Array) => { const norm = Math.hypot(...v); return [...v].map((x) => x / norm); };
    const images = run(model, () => model.vision.forward(image));
    const texts = run(model, () => model.text.encode(ids).embeds);
    const want = [0, 1].flatMap((i) => [0, 1].map((t) => {
      const [a, b] = [unit(images.slice(5 * i, 5 * i + 5)), unit(texts.slice(5 * t, 5 * t + 5))];
      return a.reduce((sum, x, k) => sum + x * b[k]!, 0) / 0.07;
    }));
    for (const [i, got] of run(model, () => model.forward(image, ids)).entries()) expect(got).toBeCloseTo(want[i]!, 4);
  });

  it('takes a published config as it is, with what transformers wrote into it', () => {
    const written = { chunk_size_feed_forward: 0, top_k: 50, return_dict: true, id2label: { 0: 'LABEL_0' }, bad_words_ids: null, output_scores: false, model_type: 'clip_text_model', projection_dim: 5 };
    expect(countParameters(new ClipModel({ ...config, text_config: { ...config.text_config, ...written } }))).toBe(countParameters(new ClipModel(config)));
    expect(() => new ClipModel({ ...config, text_config: { ...config.text_config, rotary: true } as never })).toThrow(/rotary: unknown key/);
  });

  it('refuses images of another size and configs it cannot build', () => {
    const model = new ClipModel(config);
    expect(() => run(model, () => model.vision.forward(tf.zeros([1, 3, 8, 9])))).toThrow(/expected \[N, 3, 8, 8\], got \[1, 3, 8, 9\]/);
    const vision = { ...config.vision_config, projection_dim: 5 };
    expect(() => new ClipVisionTower({ ...vision, patch_size: 3 })).toThrow(/image_size 8 must be divisible by patch_size 3/);
    expect(() => new ClipVisionTower({ ...vision, hidden_act: 'relu' as 'gelu' })).toThrow(/ClipVisionTower: hidden_act/);
    expect(() => new ClipVisionTower({ ...vision, num_channels: 4 } as never)).toThrow(/num_channels: only 3/);
    expect(() => new ClipModel({ ...config, text_config: { ...config.text_config, num_attention_heads: 3 } })).toThrow(/divisible by num_attention_heads/);
  });
});

describe('fromOpenaiClip', () => {
  const t = (shape: number[]) => ({ data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i), shape });

  it('splits stacked projections, transposes what multiplies from the right, drops buffers and keeps strangers', () => {
    const named = fromOpenaiClip({
      'visual.proj': t([2, 3]),
      'transformer.resblocks.10.attn.in_proj_bias': t([6]),
      'visual.transformer.resblocks.0.attn.in_proj_weight': t([6, 2]),
      'visual.transformer.resblocks.0.mlp.c_fc.weight': t([4, 2]),
      attn_mask: t([2, 2]),
      'visual.transformer.resblocks.0.ls_1.gamma': t([2]),
      'visual.transformer.resblocks.0.ln_9.weight': t([2]),
    });
    expect(named['visual_projection.weight']).toEqual({ data: Float32Array.of(0, 3, 1, 4, 2, 5), shape: [3, 2] });
    expect(named['text_model.encoder.layers.10.self_attn.k_proj.bias']).toEqual({ data: Float32Array.of(2, 3), shape: [2] });
    expect(named['vision_model.encoder.layers.0.self_attn.v_proj.weight']).toEqual({ data: Float32Array.of(8, 9, 10, 11), shape: [2, 2] });
    expect(Object.keys(named).filter((name) => !name.includes('self_attn'))).toEqual(['visual_projection.weight', 'vision_model.encoder.layers.0.mlp.fc1.weight', 'visual.transformer.resblocks.0.ls_1.gamma', 'visual.transformer.resblocks.0.ln_9.weight']);
  });

  it('refuses what it cannot split or transpose', () => {
    expect(() => fromOpenaiClip({ 'transformer.resblocks.0.attn.in_proj_weight': t([4, 2]) })).toThrow(/in_proj_weight: expected query, key and value stacked.*\[4, 2\]/);
    expect(() => fromOpenaiClip({ text_projection: t([4]) })).toThrow(/text_projection: expected a matrix/);
  });
});
