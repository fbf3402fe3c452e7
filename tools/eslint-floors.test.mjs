import { describe, expect, it } from 'vitest';
import { violation } from './eslint-floors.mjs';

const check = (from, specifier) => violation('/repo', `/repo/${from}`, specifier);

describe('floors rule', () => {
  it('lets a package import from the floors below it', () => {
    expect(check('packages/diffusion/src/a.ts', '@controllab/core-blocks')).toBeNull();
    expect(check('experiments/src/a.ts', '@controllab/controlnet')).toBeNull();
    expect(check('packages/core-blocks/src/a.ts', '@tensorflow/tfjs')).toBeNull();
  });
  it('refuses imports upwards, between siblings, of unknown packages and across workspaces by path', () => {
    expect(check('packages/core-blocks/src/a.ts', '@controllab/controlnet')).toMatch(/floors below/);
    expect(check('packages/metrics/src/a.ts', '@controllab/training')).toMatch(/floors below/);
    expect(check('packages/metrics/src/a.ts', '@controllab/nowhere')).toMatch(/not on any floor/);
    expect(check('packages/metrics/src/a.ts', '../../training/src/b.ts')).toMatch(/relative path/);
  });
});
