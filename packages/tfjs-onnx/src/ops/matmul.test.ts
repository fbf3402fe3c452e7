import * as tf from '@tensorflow/tfjs';
import { describe, it } from 'vitest';
import { checkGradients, expectRefused, expectTensor, ramp, results, wave, type Case } from '../testing/cases.ts';

await tf.setBackend('cpu');

const product =
  (transA: boolean, transB: boolean): Case['f'] =>
  (t) =>
    tf.matMul(t['a']!, t['b']!, transA, transB);

describe.each(['onnx', 'tfjs'] as const)('BatchMatMul (%s)', (engine) => {
  it('multiplies, whichever side is transposed', async () => {
    // [1 2; 3 4] and [1 2; 3 4], of which either may lie on its side.
    const on = { a: ramp([2, 2]), b: ramp([2, 2]) };
    const found = await results(
      {
        plain: { f: product(false, false), on },
        a: { f: product(true, false), on },
        b: { f: product(false, true), on },
        both: { f: product(true, true), on },
        dot: { f: product(false, false), on: { a: ramp([1, 3]), b: ramp([3, 1]) } },
        batch: { f: product(false, false), on: { a: ramp([2, 1, 2]), b: ramp([2, 2, 1]) } },
        oneForAll: { f: product(false, true), on: { a: ramp([1, 2]), b: ramp([2, 1, 2]) } },
      },
      engine,
    );
    expectTensor(found['plain'], [2, 2], [7, 10, 15, 22], 'plain');
    expectTensor(found['a'], [2, 2], [10, 14, 14, 20], 'a');
    expectTensor(found['b'], [2, 2], [5, 11, 11, 25], 'b');
    expectTensor(found['both'], [2, 2], [7, 15, 10, 22], 'both');
    expectTensor(found['dot'], [1, 1], [14], 'dot');
    expectTensor(found['batch'], [2, 1, 1], [5, 25], 'batch');
    expectTensor(found['oneForAll'], [2, 1, 1], [5, 11], 'one for all');
  });
});

it('BatchMatMul broadcasts both sides at once, where tfjs’s own backend in JavaScript gives half of the products', async () => {
  const { y } = await results({ y: { f: product(false, false), on: { a: ramp([2, 1, 1, 2]), b: ramp([1, 2, 2, 1]) } } });
  expectTensor(y, [2, 2, 1, 1], [5, 11, 11, 25]);
});

it('gradients are those of the function', () =>
  checkGradients({
    plain: { f: product(false, false), on: { a: wave([2, 2, 3]), b: wave([2, 3, 1], 2) } },
    a: { f: product(true, false), on: { a: wave([3, 2]), b: wave([3, 4], 2) } },
    b: { f: product(false, true), on: { a: wave([2, 3]), b: wave([4, 3], 2) } },
    both: { f: product(true, true), on: { a: wave([1, 3, 2]), b: wave([1, 4, 3], 2) } },
  }));

it('refuses inner sizes that differ', () =>
  expectRefused(
    { f: product(false, true), on: { a: ramp([2, 3]), b: ramp([3, 2]) } },
    /inner sizes 3 and 2 differ|inner shapes \(3\) and \(2\)/,
  ));
