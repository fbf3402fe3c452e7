import { describe, expect, it } from 'vitest';
import { combineGuidance, dropPrompts, rescaleGuidance } from './guidance.ts';

const tensor = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });

describe('combineGuidance', () => {
  it('extrapolates from uncond through cond', () => {
    expect(combineGuidance(tensor(2, 1), tensor(1, 1), 3)).toEqual(tensor(4, 1));
    expect(combineGuidance(tensor(2, 1), tensor(1, 1), 1)).toEqual(tensor(2, 1));
    expect(() => combineGuidance(tensor(2, 1), tensor(1), 1)).toThrow(/one shape, got \[2\] and \[1\]/);
  });
});

describe('rescaleGuidance', () => {
  it.each([
    // rescale_noise_cfg of diffusers 0.42.1.
    [0.7, [0.5896193, -1.1792386, 1.7688577, 0.2948096, 2.21187, 2.21187, -0.5529675, 1.105935]],
    [1, [0.4137418, -0.8274836, 1.2412253, 0.2068709, 1.4455284, 1.4455284, -0.3613821, 0.722764]],
    [0, [1, -2, 3, 0.5, 4, 4, -1, 2]],
  ])('by %s gives each row the deviation that it had', (rescale, expected) => {
    const shape = [2, 1, 2, 2];
    const guided = { data: Float32Array.of(1, -2, 3, 0.5, 4, 4, -1, 2), shape };
    const cond = { data: Float32Array.of(0.5, -1, 1, 0.25, 1, 0, -1, 0.5), shape };
    const { data } = rescaleGuidance(guided, cond, rescale);
    expected.forEach((value, i) => expect(data[i]).toBeCloseTo(value, 6));
  });

  it('leaves a row of one value as it is', () => {
    const flat = { data: Float32Array.of(2, 2), shape: [1, 2] };
    expect(rescaleGuidance(flat, { ...flat, data: Float32Array.of(1, 3) }, 1)).toEqual(flat);
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
