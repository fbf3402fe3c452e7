import { expect, it } from 'vitest';
import { firstExamples } from '@controllab/data';
import { emojiScenes } from '@controllab/emoji-scenes';
import { DEGRADATION_NAMES } from '@controllab/metrics';
import { compileAesthetic } from './aesthetic.ts';
import { ladder } from '../batches/aesthetic.ts';
import { loadAesthetic } from '../load-networks.ts';

it('the shipped predictor ranks degraded versions of scenes that it never saw, of every kind', async () => {
  const [count, levels, seed] = [48, 4, 77];
  const scenes = await emojiScenes({ tier: 'core', seed, split: 'val-combination', length: count });
  const ladders = (await firstExamples(scenes)).map(({ image }, index) => ladder(image, levels, { seed, index }));
  expect(ladders.every(({ versions }) => versions.length === levels)).toBe(true);
  const scorer = await compileAesthetic(loadAesthetic('core').tensors);
  const scores = await scorer.scores(ladders.flatMap(({ versions }) => versions));
  await scorer.release();
  for (const kind of DEGRADATION_NAMES) {
    const gaps = ladders.flatMap((of, n) => (of.kind === kind ? [scores[n * levels]! - scores[n * levels + levels - 1]!] : []));
    expect(gaps.length).toBeGreaterThan(0);
    expect(gaps.filter((gap) => gap > 0).length / gaps.length, kind).toBeGreaterThan(0.8);
  }
});
