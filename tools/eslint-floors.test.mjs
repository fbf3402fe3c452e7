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
  it('refuses declarations to all but the table of commands, and a user’s training to comparisons', () => {
    expect(check('experiments/src/comparison/view/a.ts', '../../declarations/b.ts')).toMatch(/only commands.ts import/);
    expect(check('experiments/src/latency/a.ts', '../declarations/b.ts')).toMatch(/latency may not import '..\/declarations\/b.ts'/);
    expect(check('experiments/src/comparison/compute/a.ts', '../../train/b.ts')).toMatch(/comparison may not import/);
    expect(check('experiments/src/declarations/a.ts', '../train/b.ts')).toMatch(/only commands.ts and fuzz import from train/);
  });
  it('lets experiments import otherwise what they take, and tests what they try', () => {
    expect(check('experiments/src/commands.ts', './declarations/b.ts')).toBeNull();
    expect(check('experiments/src/fuzz/targets/a.ts', '../../train/b.ts')).toBeNull();
    expect(check('experiments/src/declarations/a.ts', './arms.ts')).toBeNull();
    expect(check('experiments/src/declarations/a.ts', '../comparison/b.ts')).toBeNull();
    expect(check('experiments/src/train/a.ts', '../runner/b.ts')).toBeNull();
    expect(check('experiments/src/comparison/a.test.ts', '../declarations/b.ts')).toBeNull();
    expect(check('experiments/src/testing/a.ts', '../declarations/b.ts')).toBeNull();
  });
});
