import { it } from 'vitest';
import { runKernel } from '../nn/dispatch.ts';
import { expectTensor, ramp, results } from '../testing/cases.ts';

it('nn.After: x itself, whatever the other tensor holds', async () => {
  const found = await results({
    same: { f: (t) => runKernel('nn.After', t), on: { x: ramp([2, 2]), other: ramp([3]) } },
    nan: { f: (t) => runKernel('nn.After', t), on: { x: ramp([2, 2]), other: { data: Float32Array.of(NaN, Infinity), shape: [2] } } },
  });
  expectTensor(found['same'], [2, 2], [1, 2, 3, 4]);
  expectTensor(found['nan'], [2, 2], [1, 2, 3, 4]);
});
