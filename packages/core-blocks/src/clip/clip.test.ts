import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ClipModel } from './clip.ts';
import { clipVitB16, clipVitB32, clipVitL14, clipVitL14At336 } from './presets.ts';
import { openaiClip, openaiClipName } from './openai.ts';
import { clipTextBigG } from './text-tower.ts';
import { ClipVisionTower, clipVisionH14 } from './vision-tower.ts';
import { countParameters, initialize, withParameters } from '../module.ts';
import { clipTextSd15, clipTextSd21 } from './text-transformer.ts';

const tower = { hidden_size: 8, intermediate_size: 16, num_hidden_layers: 2, num_attention_heads: 2 };
const config = {
  text_config: { ...tower, vocab_size: 10, max_position_embeddings: 6 },
  vision_config: { ...tower, image_size: 8, patch_size: 4 },
  projection_dim: 5,
};

beforeAll(() => tf.setBackend('cpu'));

/** Runs with the model's initial values. */
function run(model: ClipModel, f: () => tf.Tensor): Float32Array {
  const tensors = Object.fromEntries(
    Object.entries(initialize(model, 3)).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
  );
  return withParameters(model, tensors, f).dataSync() as Float32Array;
}

describe('CLIP presets', () => {
  const { counts } = JSON.parse(
    fs.readFileSync(path.join(import.meta.dirname, '../../../../fixtures/reference/arch/clip_counts.json'), 'utf8'),
  ) as { counts: Record<string, number> };
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

  it('ViT-B/16 has four times the positions of ViT-B/32 and smaller patches', () => {
    expect(countParameters(clipVitB16()) - countParameters(clipVitB32())).toBe((14 * 14 - 7 * 7) * 768 - 3 * (32 * 32 - 16 * 16) * 768);
    expect(countParameters(clipVitB16())).toBe(149_620_737);
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

  it('ends where layers are skipped, but for the pooled embedding', () => {
    const model = new ClipModel(config);
    const shorter = new ClipModel({ ...config, text_config: { ...config.text_config, num_hidden_layers: 1 } });
    const ids = tf.tensor2d([[8, 1, 2, 9, 0, 0]], [1, 6], 'int32');
    const values = Object.entries(initialize(model, 3));
    // The shorter one has the longer one's first layer.
    const tensors = Object.fromEntries(values.map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));
    const all = (of: ClipModel, skip: number) => {
      const given = withParameters(of, tensors, () => of.text.encode(ids, skip));
      return Object.fromEntries(Object.entries(given).map(([name, tensor]) => [name, [...(tensor as tf.Tensor).dataSync()]]));
    };
    const [whole, skipped, short] = [all(model, 0), all(model, 1), all(shorter, 0)];
    expect([skipped['states'], skipped['penultimate']]).toEqual([short['states'], short['penultimate']]);
    expect([skipped['embeds'], skipped['whole']]).toEqual([whole['embeds'], whole['whole']]);
    expect(skipped['states']).not.toEqual(whole['states']);
    expect(() => all(model, 2)).toThrow(/of 2 layers 0 to 1 can be skipped, got 2/);
  });

  it('gives cosines times the temperature, 1 / 0.07 at the start', () => {
    const model = new ClipModel(config);
    const image = tf.tensor(
      Float32Array.from({ length: 2 * 3 * 64 }, (_, i) => Math.sin(i)),
      [2, 3, 8, 8],
    );
    const ids = tf.tensor2d(
      [
        [8, 1, 9],
        [8, 3, 9],
      ],
      [2, 3],
      'int32',
    );
    const unit = (v: Float32Array) => {
      const norm = Math.hypot(...v);
      return [...v].map((x) => x / norm);
    };
    const images = run(model, () => model.vision.forward(image));
    const texts = run(model, () => model.text.encode(ids).embeds);
    const want = [0, 1].flatMap((i) =>
      [0, 1].map((t) => {
        const [a, b] = [unit(images.slice(5 * i, 5 * i + 5)), unit(texts.slice(5 * t, 5 * t + 5))];
        return a.reduce((sum, x, k) => sum + x * b[k]!, 0) / 0.07;
      }),
    );
    for (const [i, got] of run(model, () => model.forward(image, ids)).entries()) expect(got).toBeCloseTo(want[i]!, 4);
  });

  it('takes a published config as it is, with what transformers wrote into it', () => {
    const written = {
      chunk_size_feed_forward: 0,
      top_k: 50,
      return_dict: true,
      id2label: { 0: 'LABEL_0' },
      bad_words_ids: null,
      output_scores: false,
      model_type: 'clip_text_model',
      projection_dim: 5,
    };
    expect(countParameters(new ClipModel({ ...config, text_config: { ...config.text_config, ...written } }))).toBe(
      countParameters(new ClipModel(config)),
    );
    expect(
      countParameters(new ClipModel({ ...config, logit_scale_init_value: 2.6592, text_config_dict: {}, model_type: 'clip' } as never)),
    ).toBe(countParameters(new ClipModel(config)));
    expect(() => new ClipModel({ ...config, text_config: { ...config.text_config, rotary: true } as never })).toThrow(
      /rotary: unknown key/,
    );
    expect(() => new ClipModel({ ...config, projection: 5 } as never)).toThrow(/ClipModel: .*\n.*projection: unknown key/);
  });

  it('refuses images of another size and configs it cannot build', () => {
    const model = new ClipModel(config);
    expect(() => run(model, () => model.vision.forward(tf.zeros([1, 3, 8, 9])))).toThrow(/expected \[N, 3, 8, 8\], got \[1, 3, 8, 9\]/);
    const vision = { ...config.vision_config, projection_dim: 5 };
    expect(() => new ClipVisionTower({ ...vision, patch_size: 3 })).toThrow(/image_size 8 must be divisible by patch_size 3/);
    expect(() => new ClipVisionTower({ ...vision, hidden_act: 'relu' as 'gelu' })).toThrow(
      /ClipVisionTower: .*\n  hidden_act: expected "quick_gelu" or "gelu"/,
    );
    expect(() => new ClipVisionTower({ ...vision, num_channels: 4 } as never)).toThrow(/num_channels: only 3/);
    expect(() => new ClipModel({ ...config, text_config: { ...config.text_config, num_attention_heads: 3 } })).toThrow(
      /divisible by num_attention_heads/,
    );
  });
});

describe('openaiClip', () => {
  it('finds every parameter once: stacked projections in parts, what multiplies from the right transposed', () => {
    const stored = [...new ClipModel(config).parameters().keys()].map(openaiClipName);
    expect(openaiClipName('vision_model.encoder.layers.1.self_attn.k_proj.bias')).toEqual({
      name: 'visual.transformer.resblocks.1.attn.in_proj_bias',
      part: [1, 3],
    });
    expect(openaiClipName('text_model.encoder.layers.10.mlp.fc1.weight')).toEqual({ name: 'transformer.resblocks.10.mlp.c_fc.weight' });
    expect(openaiClipName('visual_projection.weight')).toEqual({ name: 'visual.proj', transposed: true });
    const places = stored.map(({ name, part }) => `${name} ${part?.[0] ?? ''}`);
    expect(new Set(places).size).toBe(places.length);
    expect(places.filter((place) => /^(text|vision)_model|self_attn|layer_norm/.test(place))).toEqual([]);
  });

  it('leaves buffers of published files alone', () => {
    expect(openaiClip('clip.').ignored!('attn_mask')).toBe(true);
    expect(openaiClip().ignored!('visual.ln_post.weight')).toBe(false);
  });
});
