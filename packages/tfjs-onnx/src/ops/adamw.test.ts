import { it } from 'vitest';
import { runKernelMany } from '../nn/dispatch.ts';
import { expectTensor, floats, results } from '../testing/cases.ts';

it('nn.AdamW: moments without their factors, decay, and the folded step', async () => {
  const on = {
    ...{ p: floats([2], [2, 1]), g: floats([2], [3, 0]), m: floats([2], [1, 0]), v: floats([2], [7, 0]) },
    ...{ scale: floats([], [4]), offset: floats([], [6]), decay: floats([], [0.5]) },
  };
  const at = (i: number) => ({
    f: (t: Parameters<typeof runKernelMany>[1]) => runKernelMany('nn.AdamW', t, { beta1: 0.5, beta2: 1 })[i]!,
    on,
  });
  const found = await results({ p: at(0), m: at(1), v: at(2) });
  // m = 0.5 + 3, v = 7 + 9: 3.5 / (sqrt(4 * 16) + 6) = 0.25 off half of 2. What has no gradient decays.
  expectTensor(found['p'], [2], [0.75, 0.5]);
  expectTensor(found['m'], [2], [3.5, 0]);
  expectTensor(found['v'], [2], [16, 0]);
});

it('nn.AdamW of a 1x1 convolution: flat inside, of its own shape outside', async () => {
  const square = (data: number[]) => floats([2, 2, 1, 1], data);
  const on = {
    ...{ p: square([2, 1, 0, -2]), g: square([3, 0, 0, -3]), m: square([1, 0, 0, -1]), v: square([7, 0, 0, 7]) },
    ...{ scale: floats([], [4]), offset: floats([], [6]), decay: floats([], [0.5]) },
  };
  const at = (i: number) => ({
    f: (t: Parameters<typeof runKernelMany>[1]) => runKernelMany('nn.AdamW', t, { beta1: 0.5, beta2: 1 })[i]!,
    on,
  });
  const found = await results({ p: at(0), m: at(1), v: at(2) });
  expectTensor(found['p'], [2, 2, 1, 1], [0.75, 0.5, 0, -0.75]);
  expectTensor(found['m'], [2, 2, 1, 1], [3.5, 0, 0, -3.5]);
  expectTensor(found['v'], [2, 2, 1, 1], [16, 0, 0, 16]);
});
