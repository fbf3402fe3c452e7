import { describe, expect, it } from 'vitest';
import { openDataset } from '@controllab/data';
import { caption } from './caption.ts';
import { catalogue } from './catalogue.ts';
import { conditionImage } from './condition-image.ts';
import { emojiScenes } from './dataset.ts';
import { loadAtlas } from './load-atlas.ts';
import { renderScene } from './render-scene.ts';
import { allocateBuffers } from './scene-buffers.ts';
import { trainingMix } from './scene-mix.ts';
import { sceneSpec } from './scene-spec.ts';

const source = { tier: 'core', seed: 17, split: 'train', mix: trainingMix } as const;

describe('emojiScenes', () => {
  it('gives the pictures, maps and captions of its scenes', async () => {
    const dataset = await emojiScenes(source);
    const buffers = allocateBuffers(64, ['canny', 'segmentation']);
    for (const index of [0, 7, 4095]) {
      const { spec, image, captions, condition, map } = await dataset.example(index);
      expect(spec).toEqual(sceneSpec(index, { seed: 17, objects: catalogue('core'), size: 64, split: 'train', mix: trainingMix }));
      renderScene(spec, await loadAtlas('openmoji'), buffers);
      expect(image).toEqual({ rgb: buffers.rgb8, width: 64, height: 64 });
      expect(captions['caption']).toBe(caption(spec.parts));
      expect(map('segmentation')).toEqual(buffers.segmentation);
      expect(condition('canny').rgb).toEqual(conditionImage('canny', buffers));
    }
  });

  it('hands out pictures of its own: the next scene does not paint over them', async () => {
    const dataset = await emojiScenes(source);
    const first = (await dataset.example(0)).condition('canny');
    const copy = first.rgb.slice();
    (await dataset.example(1)).condition('canny');
    expect(first.rgb).toEqual(copy);
  });

  it('is opened again from its reference, and named by what decides its examples, not by how many are taken', async () => {
    const dataset = await emojiScenes({ ...source, length: 10 });
    const again = await openDataset(dataset.reference);
    expect([again.hash, again.length]).toEqual([dataset.hash, 10]);
    expect((await again.example(3)).captions['conflicting']).toBe((await dataset.example(3)).captions['conflicting']);
    expect((await emojiScenes(source)).hash).toBe(dataset.hash);
    expect((await emojiScenes({ ...source, seed: 18 })).hash).not.toBe(dataset.hash);
    expect((await emojiScenes({ ...source, style: 'noto' })).hash).not.toBe(dataset.hash);
  });

  it('refuses what it does not have by name', async () => {
    const dataset = await emojiScenes({ ...source, length: 10 });
    await expect(dataset.example(10)).rejects.toThrow('expected an index from 0 to 9, got 10');
    const { condition } = await dataset.example(0);
    expect(() => condition('pose')).toThrow(/has no condition 'pose'; it has canny, line/);
    expect((await emojiScenes({ ...source, style: 'noto' })).conditions).not.toContain('line');
  });
});
