import { it } from 'vitest';
import { runKernel } from '../nn/dispatch.ts';
import { expectTensor, ramp, results } from '../testing/cases.ts';

it('nn.UpsampleNearest2x, nn.UpsampleNearest2xGrad: four of each, and the sum of the four', async () => {
  const found = await results({
    up: { f: (t) => runKernel('nn.UpsampleNearest2x', t), on: { x: ramp([1, 2, 1, 2]) } },
    back: { f: (t) => runKernel('nn.UpsampleNearest2xGrad', t), on: { dy: ramp([1, 1, 2, 4]) } },
  });
  expectTensor(found['up'], [1, 2, 2, 4], [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
  expectTensor(found['back'], [1, 1, 1, 2], [14, 22]);
});
