import * as tf from '@tensorflow/tfjs';
import { describe, it } from 'vitest';
import { nn, valueAndGrads } from '../index.ts';
import { checkGradients, expectRefused, expectTensor, floats, ramp, results, wave, type Case } from '../testing/cases.ts';

await tf.setBackend('cpu');

const up: Case['f'] = (t) => nn.upsampleNearest2x(t['x']!);

describe.each(['onnx', 'tfjs'] as const)('upsampleNearest2x (%s)', (engine) => {
  it('repeats every value in both directions, and adds up what comes back', async () => {
    const gradient: Case['f'] = (t) => valueAndGrads(() => tf.sum(tf.mul(up(t), t['dy']!)), { x: t['x']! }).grads['x']!;
    const found = await results(
      {
        square: { f: up, on: { x: ramp([1, 1, 2, 2]) } },
        line: { f: up, on: { x: ramp([2, 1, 1, 3]) } },
        back: { f: gradient, on: { x: floats([1, 1, 1, 2], [0, 0]), dy: ramp([1, 1, 2, 4]) } },
      },
      engine,
    );
    expectTensor(found['square'], [1, 1, 4, 4], [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
    expectTensor(found['line'], [2, 1, 2, 6], [1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 4, 4, 5, 5, 6, 6]);
    // 1 + 2 + 5 + 6 and 3 + 4 + 7 + 8.
    expectTensor(found['back'], [1, 1, 1, 2], [14, 22]);
  });
});

it('gradients are those of the function', () => checkGradients({ odd: { f: up, on: { x: wave([2, 3, 1, 3]) } } }));

it('refuses what is no picture', () =>
  expectRefused({ f: up, on: { x: wave([1, 2, 2]) } }, /nn\.upsampleNearest2x: expected x \[N, C, H, W\], got \[1, 2, 2\]/));
