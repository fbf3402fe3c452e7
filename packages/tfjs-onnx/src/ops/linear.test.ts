import { it } from 'vitest';
import { runKernel } from '../nn/dispatch.ts';
import { expectTensor, floats, ramp, results } from '../testing/cases.ts';

it('nn.Linear and its gradients, over the last axis', async () => {
  const [x, weight, dy] = [ramp([1, 2, 3]), floats([2, 3], [1, 0, 0, 0, 1, -1]), floats([1, 2, 2], [1, 10, 2, 20])];
  const found = await results({
    plain: { f: (t) => runKernel('nn.Linear', t), on: { x, weight } },
    bias: { f: (t) => runKernel('nn.Linear', t), on: { x, weight, bias: floats([2], [100, 200]) } },
    x: { f: (t) => runKernel('nn.LinearInputGrad', t), on: { dy, weight } },
    weight: { f: (t) => runKernel('nn.LinearWeightGrad', t), on: { x, dy } },
    b: { f: (t) => runKernel('nn.RowSum', t), on: { dy } },
  });
  expectTensor(found['plain'], [1, 2, 2], [1, -1, 4, -1]);
  expectTensor(found['bias'], [1, 2, 2], [101, 199, 104, 199]);
  expectTensor(found['x'], [1, 2, 3], [1, 10, -10, 2, 20, -20]);
  expectTensor(found['weight'], [2, 3], [9, 12, 15, 90, 120, 150]);
  expectTensor(found['b'], [2], [3, 30]);
});
