import { expect, it } from 'vitest';
import { DEGRADATION_NAMES } from '@controllab/metrics';
import { miniAestheticScores } from './aesthetic.ts';
import { ladder } from './batches/aesthetic.ts';
import { loadAesthetic } from './networks.ts';
import { openScenes } from './scenes.ts';

it('the shipped predictor ranks degraded versions of scenes that it never saw, of every kind', async () => {
  const [count, levels, seed] = [48, 4, 77];
  const scenes = await openScenes({ tier: 'core', seed, split: 'val-combination' });
  const ladders = Array.from({ length: count }, (_, index) =>
    ladder({ rgb: scenes.render(scenes.spec(index)).rgb8.slice(), width: 64, height: 64 }, levels, { seed, index }),
  );
  expect(ladders.every(({ versions }) => versions.length === levels)).toBe(true);
  const scores = await miniAestheticScores(
    loadAesthetic('core').tensors,
    ladders.flatMap(({ versions }) => versions),
  );
  for (const kind of DEGRADATION_NAMES) {
    const gaps = ladders.flatMap((of, n) => (of.kind === kind ? [scores[n * levels]! - scores[n * levels + levels - 1]!] : []));
    expect(gaps.length).toBeGreaterThan(0);
    expect(gaps.filter((gap) => gap > 0).length / gaps.length, kind).toBeGreaterThan(0.8);
  }
});
