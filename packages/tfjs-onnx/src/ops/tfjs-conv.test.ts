import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { compile, valueAndGrads } from '../index.ts';
import { checkGradients, expectTensor, floats, ramp, results, wave, type Case } from '../testing/cases.ts';

await tf.setBackend('cpu');

type Pad = Parameters<typeof tf.conv2d>[3];
const conv =
  (
    stride: number | [number, number],
    pad: Pad,
    ...rest: [format?: 'NHWC' | 'NCHW', dilations?: number, rounding?: 'floor' | 'ceil']
  ): Case['f'] =>
  (t) =>
    tf.conv2d(t['x'] as tf.Tensor4D, t['w'] as tf.Tensor4D, stride, pad, ...rest);
const sides: Pad = [
  [0, 0],
  [1, 0],
  [0, 1],
  [0, 0],
];
/** [h, w, in, out]: a number and the one to its lower right. */
const diagonal = floats([2, 2, 1, 1], [1, 0, 0, 1]);

describe.each(['onnx', 'tfjs'] as const)('tf.conv2d (%s)', (engine) => {
  it('Conv2D: channels last, every kind of padding', async () => {
    const on = { x: ramp([1, 3, 3, 1]), w: diagonal };
    const found = await results(
      {
        valid: { f: conv(1, 'valid'), on },
        // One row and one column of zeros, at the far side.
        same: { f: conv(1, 'same'), on },
        stride: { f: conv(2, 1), on },
        sides: { f: conv(1, sides), on },
        channels: { f: conv(1, 'valid'), on: { x: floats([1, 1, 1, 2], [2, 3]), w: floats([1, 1, 2, 2], [1, 100, 10, 1000]) } },
      },
      engine,
    );
    expectTensor(found['valid'], [1, 2, 2, 1], [6, 8, 12, 14], 'valid');
    expectTensor(found['same'], [1, 3, 3, 1], [6, 8, 3, 12, 14, 6, 7, 8, 9], 'same');
    expectTensor(found['stride'], [1, 2, 2, 1], [1, 3, 7, 14], 'stride');
    expectTensor(found['sides'], [1, 3, 3, 1], [2, 3, 0, 6, 8, 3, 12, 14, 6], 'sides');
    expectTensor(found['channels'], [1, 1, 1, 2], [32, 3200], 'channels');
  });

  it('Conv2DBackpropInput, Conv2DBackpropFilter: as counted by hand', async () => {
    const gradient =
      (name: 'x' | 'w'): Case['f'] =>
      (t) =>
        valueAndGrads(() => tf.sum(conv(1, 'valid')(t)), t).grads[name]!;
    const on = { x: ramp([1, 3, 3, 1]), w: diagonal };
    const found = await results({ x: { f: gradient('x'), on }, w: { f: gradient('w'), on } }, engine);
    expectTensor(found['x'], [1, 3, 3, 1], [1, 1, 0, 1, 2, 1, 0, 1, 1]);
    expectTensor(found['w'], [2, 2, 1, 1], [12, 16, 24, 28]);
  });
});

it('gradients are those of the function, rows left over too', () =>
  checkGradients({
    same: { f: conv(2, 'same'), on: { x: wave([2, 3, 4, 2]), w: wave([3, 2, 2, 3], 2) } },
    valid: { f: conv(2, 'valid'), on: { x: wave([1, 4, 5, 3]), w: wave([1, 2, 3, 2], 2) } },
    sides: { f: conv(1, sides), on: { x: wave([1, 3, 3, 1]), w: wave([2, 2, 1, 2], 2) } },
    transposed: {
      f: (t) => tf.conv2dTranspose(t['x'] as tf.Tensor4D, t['w'] as tf.Tensor4D, [1, 5, 6, 2], 2, 'same'),
      on: { x: wave([1, 3, 3, 3]), w: wave([3, 2, 2, 3], 2) },
    },
  }));

it.each([
  ['channels first', conv(1, 'valid', 'NCHW'), [1, 1, 3, 1], /data format NCHW/],
  ['a dilation', conv(1, 'valid', 'NHWC', 2), [1, 3, 3, 1], /unequal strides or a dilation other than 1/],
  ['unequal strides', conv([1, 2], 'valid'), [1, 3, 3, 1], /unequal strides or a dilation other than 1/],
  ['sizes rounded up', conv(2, 1, 'NHWC', 1, 'ceil'), [1, 3, 3, 1], /rounding ceil/],
])('refuses %s', async (_, f, shape, message) => {
  const signature = { inputs: { x: { shape }, w: { shape: [2, 2, 1, 1] } } };
  await expect(compile(({ inputs }) => ({ outputs: { y: f(inputs) } }), signature)).rejects.toThrow(message);
});

it('refuses a padding that tfjs would take by the height of a kernel that is not square', async () => {
  const signature = { inputs: { x: { shape: [1, 5, 6, 1] }, w: { shape: [3, 2, 1, 1] } } };
  await expect(compile(({ inputs }) => ({ outputs: { y: conv(2, 1)(inputs) } }), signature)).rejects.toThrow(
    /padding 1 of a kernel that is not square/,
  );
});
