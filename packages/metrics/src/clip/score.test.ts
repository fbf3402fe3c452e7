import { describe, expect, it } from 'vitest';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import { clipMeasure, clipScore, cosines } from './score.ts';
import { embedCaptions, type ClipTowers } from './towers.ts';

/** A text's embedding is (its length with the prefix, 1): the captions below have chosen cosines with (3, 4), (-1, 0). */
function towers(batches: number[]): ClipTowers {
  return {
    name: 'ViT-Z/1',
    image: {} as FeatureExtractor,
    tokenizer: {
      context: 2,
      encode: (captions) => ({
        ids: { data: Int32Array.from(captions.flatMap((c) => [c.length, 1])), shape: [captions.length, 2] },
        truncated: captions.flatMap((c, i) => (c.length > 20 ? [i] : [])),
      }),
    },
    text: {
      weightsHash: '',
      context: 2,
      dimension: 2,
      batchSize: 2,
      run: (ids) => {
        batches.push(ids.shape[0]!);
        return Promise.resolve(Float32Array.from(ids.data));
      },
      release: () => Promise.resolve(),
    },
  };
}

const images = { data: Float32Array.of(3, 4, -1, 0, 0, 2), shape: [3, 2] };
const texts = ['a', 'abc', 'abcdefghijklmnopqrstuvwxyz'];
const captions = texts.map((text) => [text]);
const raw = [7 / (5 * Math.SQRT2), -3 / Math.sqrt(10), 1 / Math.sqrt(26 ** 2 + 1)];

describe('clipScore', () => {
  it.each([
    ['cosine', 'CLIP cosine (ViT-Z/1)', raw],
    ['cosine-x100', 'CLIP cosine x100 (ViT-Z/1)', raw.map((c) => 100 * c)],
    // 16 characters of prefix in front of each; below zero counts as zero
    ['clipscore', 'CLIPScore (ViT-Z/1)', [(2.5 * (3 * 17 + 4)) / (5 * Math.hypot(17, 1)), 0, 2.5 / Math.hypot(42, 1)]],
  ] as const)('%s', async (measure, name, want) => {
    const score = await clipScore(towers([]), images, captions, measure);
    expect(score.name).toBe(name);
    for (const [i, value] of want.entries()) expect(score.perImage[i]).toBeCloseTo(value, 12);
    expect(score.mean.value).toBeCloseTo((want[0] + want[1] + want[2]) / 3, 12);
    expect(score.mean.n).toBe(3);
    expect(score.truncated).toBe(1);
  });

  it('averages over an image\u2019s captions first: every image counts alike', async () => {
    const { perImage, mean, captions: count } = await clipScore(towers([]), images, [['a', 'abc'], ['abc'], [texts[2]!]], 'cosine');
    const first = (raw[0]! + 13 / (5 * Math.sqrt(10))) / 2;
    expect(perImage[0]).toBeCloseTo(first, 12);
    expect(mean.value).toBeCloseTo((first + raw[1]! + raw[2]!) / 3, 12);
    expect(count).toBe(4);
  });

  it('embeds captions in batches and keeps their order', async () => {
    const batches: number[] = [];
    const { embeds, truncated } = await embedCaptions(towers(batches), [...texts, ...texts]);
    expect(batches).toEqual([2, 2, 2]);
    expect([...embeds.data]).toEqual([1, 1, 3, 1, 26, 1, 1, 1, 3, 1, 26, 1]);
    expect(truncated).toEqual([2, 5]);
  });

  it('refuses captions missing, too many or empty, other dimensions, and embeddings without direction', async () => {
    await expect(clipScore(towers([]), images, [['a'], ['b']], 'cosine')).rejects.toThrow(
      /expected captions for each of 3 images, got those of 2/,
    );
    await expect(clipScore(towers([]), images, [['a'], [], ['b']], 'cosine')).rejects.toThrow(/image 1 has no caption/);
    await expect(clipScore(towers([]), images, [['a'], [' '], ['b']], 'clipscore')).rejects.toThrow(/caption 1 of 3 is empty/);
    await expect(clipScore(towers([]), { data: new Float32Array(9).fill(1), shape: [3, 3] }, captions, 'cosine')).rejects.toThrow(
      /images have 3 dimensions, those of captions 2/,
    );
    await expect(clipScore(towers([]), { data: Float32Array.of(1, 1, 0, 0, 1, 1), shape: [3, 2] }, captions, 'cosine')).rejects.toThrow(
      /row 1 is all zeros/,
    );
    await expect(
      clipScore(towers([]), { data: Float32Array.of(1, 1, Number.NaN, 0, 1, 1), shape: [3, 2] }, captions, 'cosine'),
    ).rejects.toThrow(/feature 0 of row 1 is NaN/);
    await expect(embedCaptions({ ...towers([]), tokenizer: { ...towers([]).tokenizer, context: 77 } }, texts)).rejects.toThrow(
      /tokenizer gives 77 tokens, the text tower takes 2/,
    );
    await expect(embedCaptions(towers([]), [])).rejects.toThrow(/at least one caption/);
    expect(() => cosines(images, { ...images, shape: [2, 3] })).toThrow(/two sets of one shape/);
    expect(() => clipMeasure('clip')).toThrow(/no CLIP measure "clip"; there are cosine, clipscore, cosine-x100/);
  });
});
