import { expect, it } from 'vitest';
import { parameterSpecs, sd15, sdxl, svd, type Module } from '@controllab/core-blocks';
import { TRAINABLE_PATTERNS } from './selective-training.ts';

const count = (module: Module, pattern: RegExp) => {
  const specs = parameterSpecs(module);
  const names = Object.keys(specs).filter((name) => pattern.test(name));
  return [names.length, names.reduce((sum, name) => sum + specs[name]!.shape.reduce((a, b) => a * b, 1), 0)];
};

it.each([
  ['SD1.5: output projections', sd15, TRAINABLE_PATTERNS.sd15, 64, 24_805_760],
  ['SDXL: output projections of cross-attention', sdxl, TRAINABLE_PATTERNS.sdxl, 140, 102_483_200],
  ['SDXL: all output projections', sdxl, /to_out/, 280, 204_966_400],
  ['SVD: output projections, spatial and temporal', svd, TRAINABLE_PATTERNS.svd, 128, 49_611_520],
  ['SVD: output and value projections', svd, TRAINABLE_PATTERNS.svdOutAndValue, 192, 99_951_360],
] as const)('%s', (_, build, pattern, tensors, parameters) => {
  expect(count(build(), pattern)).toEqual([tensors, parameters]);
});
