import { describe, expect, it } from 'vitest';
import { createSampler, openControl } from '@controllab/base-model';
import { canny, conditionBatch, greyImage } from '@controllab/data';
import { emojiScenes } from '@controllab/emoji-scenes';
import { edgeF1 } from '@controllab/metrics';
import { shippedControl, shippedControls } from '../names.ts';
import { openMini } from './open-mini.ts';

describe('controls that come with the embedded default', () => {
  it.each(shippedControls)('%s draws along the edges of pictures that it was not trained on', async (name) => {
    const base = openMini();
    const scenes = await emojiScenes({ tier: 'core', seed: 99, split: 'val-combination' });
    const examples = await Promise.all([0, 1, 2, 3].map((i) => scenes.example(i)));
    const conditions = examples.map((example) => example.condition('canny'));
    const sampler = await createSampler(
      base,
      { count: 4, guidance: false, controls: [openControl(shippedControl(name)!, base)] },
      { threads: 1 },
    );
    const drawn = await sampler.sample({
      prompts: examples.map(({ captions }) => captions['caption']),
      seed: 1,
      steps: 10,
      guidanceScale: 1,
      conditions: [conditionBatch(conditions)],
    });
    await sampler.release();
    const scores = drawn.map(({ rgb, width, height }, i) => {
      const edges = Uint8Array.from({ length: width * height }, (_, p) => conditions[i]!.rgb[3 * p]!);
      expect(greyImage(edges, conditions[i]!)).toEqual(conditions[i]!);
      return edgeF1(canny(rgb, width, height), edges, width, height, { tolerance: 1 }).f1;
    });
    // Without control about 0.6 of the edges are met.
    expect(scores.reduce((a, b) => a + b, 0) / 4).toBeGreaterThan(0.8);
  });

  it('are none of another name', () => expect(shippedControl('hed')).toBeNull());
});
