import { describe, expect, it } from 'vitest';
import { clipRecipe } from './pretrain/clip.ts';
import { unetRecipe } from './pretrain/unet.ts';
import { scenesOfTier, stepsOfTier, tierFlag, tierFolder } from './tier.ts';
import { weightsFile } from './weights.ts';

describe('tiers', () => {
  it('have recipes that grow with the number of objects: 40, 181, 368, 633', () => {
    expect(scenesOfTier(49152, 'core')).toBe(49152);
    expect(scenesOfTier(181, 'default')).toBe(368);
    expect(stepsOfTier(12000, 'core')).toBe(12000);
    // 12000 x 368 / 181 = 24397.8, 12000 x 633 / 181 = 41966.9, 12000 x 40 / 181 = 2651.9
    expect(stepsOfTier(12000, 'default')).toBe(24400);
    expect(stepsOfTier(12000, 'full')).toBe(41960);
    expect(stepsOfTier(12000, 'quick')).toBe(2660);
  });

  it('have steps that the engine can take ten at a time, and halve', () => {
    for (const tier of ['quick', 'core', 'default', 'full'] as const) {
      const { totalSteps, decay, phases } = unetRecipe(tier);
      for (const steps of [totalSteps, decay, ...phases.map(({ from }) => from), clipRecipe(tier).totalSteps]) expect(steps % 20).toBe(0);
      expect(Math.abs(phases.at(-1)!.from + decay - totalSteps)).toBeLessThanOrEqual(20);
    }
  });

  it('but for the committed one lie in folders of their own, and are named on the command line', () => {
    expect(tierFolder('runs/mini-sd', 'core')).toBe('runs/mini-sd');
    expect(tierFolder('runs/mini-sd', 'full')).toBe('runs/mini-sd/full');
    expect(weightsFile('unet', 'core')).toMatch(/packages\/mini-sd\/weights\/unet\.safetensors$/);
    expect(weightsFile('unet', 'full')).toMatch(/packages\/mini-sd\/weights\/full\/unet\.safetensors$/);
    expect([tierFlag('core'), tierFlag('full')]).toEqual(['', ' --tier=full']);
  });
});
