import { describe, expect, it } from 'vitest';
import { combineGuidance, dropPrompts } from './guidance.ts';

const tensor = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });

describe('combineGuidance', () => {
  it('extrapolates from uncond through cond', () => {
    expect(combineGuidance(tensor(2, 1), tensor(1, 1), 3)).toEqual(tensor(4, 1));
    expect(combineGuidance(tensor(2, 1), tensor(1, 1), 1)).toEqual(tensor(2, 1));
    expect(() => combineGuidance(tensor(2, 1), tensor(1), 1)).toThrow(/one shape, got \[2\] and \[1\]/);
  });
});

describe('dropPrompts', () => {
  it('drops about half, the same ones every time', () => {
    const prompts = Array.from({ length: 16 }, (_, i) => `prompt ${i}`);
    let kept = 0;
    for (let step = 0; step < 250; step++) {
      const got = dropPrompts(prompts, { seed: 5, step });
      expect(dropPrompts(prompts, { seed: 5, step })).toEqual(got);
      got.forEach((prompt, i) => expect(['', prompts[i]]).toContain(prompt));
      kept += got.filter((prompt) => prompt !== '').length;
    }
    expect(Math.abs(kept / 4000 - 0.5)).toBeLessThan(0.04);
    expect(dropPrompts(prompts, { seed: 5, step: 0 })).not.toEqual(dropPrompts(prompts, { seed: 5, step: 1 }));
    expect(dropPrompts(prompts, { seed: 5, step: 0, probability: 0 })).toEqual(prompts);
    expect(new Set(dropPrompts(prompts, { seed: 5, step: 0, probability: 1 }))).toEqual(new Set(['']));
  });
});
