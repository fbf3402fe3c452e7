import { it } from 'vitest';
import { runKernel } from '../nn/dispatch.ts';
import { expectTensor, floats, results } from '../testing/cases.ts';

it('nn.MaxPool2d, nn.AvgPool2d: padding is in no window', async () => {
  const on = { x: floats([1, 1, 2, 2], [-1, -2, -3, -4]) };
  const attributes = { kernelSize: 2, stride: 1, padding: 1 };
  const found = await results({
    max: { f: (t) => runKernel('nn.MaxPool2d', t, attributes), on },
    average: { f: (t) => runKernel('nn.AvgPool2d', t, attributes), on },
  });
  expectTensor(found['max'], [1, 1, 3, 3], [-1, -1, -2, -1, -1, -2, -3, -3, -4]);
  expectTensor(found['average'], [1, 1, 3, 3], [-1, -1.5, -2, -2, -2.5, -3, -3, -3.5, -4]);
});
