import { expect, it } from 'vitest';
import { parameterSpecs, sd15, sdxl, svd, type Module } from '@controllab/core-blocks';
import { TRAINABLE_PATTERNS, trainableNames } from './selective-training.ts';

const count = (module: Module, pattern: RegExp) => {
  const specs = parameterSpecs(module);
  const names = trainableNames(Object.keys(specs), pattern);
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

it('keeps the order of the names, takes patterns with state, and refuses one that selects nothing', () => {
  const names = ['b.to_out.0.weight', 'a.to_q.weight', 'a.to_out.0.weight'];
  expect(trainableNames(names, /to_out/g)).toEqual(['b.to_out.0.weight', 'a.to_out.0.weight']);
  expect(() => trainableNames(names, /to_uot/)).toThrow(
    /no parameter's name matches \/to_uot\/; the first of 3: b\.to_out\.0\.weight, a\.to_q\.weight/,
  );
});
