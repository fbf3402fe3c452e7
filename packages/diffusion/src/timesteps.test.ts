import { describe, expect, it } from 'vitest';
import { stratifiedTimesteps, uniformTimesteps } from './timesteps.ts';

describe('timesteps', () => {
  it('stratified: one in each part', () => {
    for (let step = 0; step < 50; step++) {
      const t = stratifiedTimesteps({ seed: 1, step, count: 4, trainTimesteps: 1000 });
      expect([...t].map((v) => Math.floor(v / 250))).toEqual([0, 1, 2, 3]);
    }
  });
  it('uniform: in range and about uniform', () => {
    const t = uniformTimesteps({ seed: 1, step: 3, count: 10_000, trainTimesteps: 10 });
    const counts = new Uint32Array(10);
    t.forEach((v) => counts[v]!++);
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
