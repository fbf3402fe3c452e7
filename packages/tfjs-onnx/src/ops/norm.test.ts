import { it } from 'vitest';
import { runKernel, runKernelMany } from '../nn/dispatch.ts';
import { expectTensor, floats, results, type Case } from '../testing/cases.ts';

const one = (name: string, on: Case['on']): Case => ({ f: (t) => runKernel(name, t), on });
const many = (name: string, i: number, attributes: Record<string, unknown>, on: Case['on']): Case => ({
  f: (t) => runKernelMany(name, t, attributes)[i]!,
  on,
});

it('nn.Silu, nn.SiluGrad, nn.Gelu, nn.GeluGrad: values and slopes at -1, 0 and 1', async () => {
  const [x, dy] = [floats([3], [-1, 0, 1]), floats([3], [10, 2, 1])];
  const found = await results({
    silu: one('nn.Silu', { x }),
    siluGrad: one('nn.SiluGrad', { dy, x, y: floats([3], [-0.2689414, 0, 0.7310586]) }),
    gelu: one('nn.Gelu', { x }),
    geluGrad: one('nn.GeluGrad', { dy, x }),
  });
  expectTensor(found['silu'], [3], [-0.2689414, 0, 0.7310586]);
  expectTensor(found['siluGrad'], [3], [0.723295, 1, 0.9276705]);
  expectTensor(found['gelu'], [3], [-0.1586553, 0, 0.8413447]);
  expectTensor(found['geluGrad'], [3], [-0.833155, 1, 1.0833155]);
});

// Of [1, 3] with eps 3: 1/std is 1/2, the normalised values are -1/2 and 1/2.
const eps = 3;
const weight = floats([2], [2, 1]);

it('nn.GroupNorm: the result, and for the gradient the normal, 1/std, and the gate of SiLU', async () => {
  const on = { x: floats([1, 2, 1, 1], [1, 3]), weight, bias: floats([2], [1, 0.5]) };
  const of = (i: number, silu: boolean): Case => many('nn.GroupNorm', i, { numGroups: 1, eps, silu }, on);
  const found = await results({ y: of(0, false), normal: of(1, false), rstd: of(2, false), silu: of(0, true), gate: of(3, true) });
  expectTensor(found['y'], [1, 2, 1, 1], [0, 1]);
  expectTensor(found['normal'], [1, 2, 1], [-0.5, 0.5]);
  expectTensor(found['rstd'], [1, 1], [0.5]);
  expectTensor(found['silu'], [1, 2, 1, 1], [0, 0.7310586]);
  expectTensor(found['gate'], [1, 2, 1], [0.5, 0.7310586]);
});

it('nn.GroupNormGrad: mean and slope of what comes back are taken off', async () => {
  const on = {
    ...{ dy: floats([1, 2, 1, 1], [1, 0]), weight, y: floats([1, 2, 1, 1], [0, 1]) },
    ...{ normal: floats([1, 2, 1], [-0.5, 0.5]), rstd: floats([1, 1], [0.5]), gate: floats([1, 2, 1], [0.5, 0.7310586]) },
  };
  const of = (i: number, silu: boolean): Case => many('nn.GroupNormGrad', i, { numGroups: 1, eps, silu }, on);
  const found = await results({ x: of(0, false), weight: of(1, false), bias: of(2, false), silu: of(2, true) });
  // [2, 0] before the weights: mean 1, slope -1/2; half of 2 - 1 - 1/4 and of 0 - 1 + 1/4.
  expectTensor(found['x'], [1, 2, 1, 1], [0.375, -0.375]);
  expectTensor(found['weight'], [2], [-0.5, 0]);
  expectTensor(found['bias'], [2], [1, 0]);
  // SiLU's slope at 0 is 1/2.
  expectTensor(found['silu'], [2], [0.5, 0]);
});

it('nn.LayerNorm and nn.LayerNormGrad: the same over the last axis', async () => {
  const x = floats([1, 2], [1, 3]);
  const forward = (i: number): Case => many('nn.LayerNorm', i, { eps }, { x, weight, bias: floats([2], [1, 0.5]) });
  const back = (i: number): Case =>
    many('nn.LayerNormGrad', i, {}, { dy: floats([1, 2], [1, 0]), x, weight, mean: floats([1, 1], [2]), rstd: floats([1, 1], [0.5]) });
  const found = await results({ y: forward(0), mean: forward(1), rstd: forward(2), x: back(0), weight: back(1), bias: back(2) });
  expectTensor(found['y'], [1, 2], [0, 1]);
  expectTensor(found['mean'], [1, 1], [2]);
  expectTensor(found['rstd'], [1, 1], [0.5]);
  expectTensor(found['x'], [1, 2], [0.375, -0.375]);
  expectTensor(found['weight'], [2], [-0.5, 0]);
  expectTensor(found['bias'], [2], [1, 0]);
});
