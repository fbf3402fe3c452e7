import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { compile, nn, valueAndGrads } from '../index.ts';
import { checkGradients, expectRefused, expectTensor, floats, ramp, results, wave, type Case } from '../testing/cases.ts';
import type { Conv2dOptions } from './conv2d.ts';

await tf.setBackend('cpu');

const conv =
  (options: Conv2dOptions = {}): Case['f'] =>
  (t) =>
    nn.conv2d(t['x']!, t['w']!, t['b'] ?? null, options);

/** 1 .. 9 in a square, and a kernel that adds the number to the lower right. */
const square = ramp([1, 1, 3, 3]);
const diagonal = floats([1, 1, 2, 2], [1, 0, 0, 1]);

describe.each(['onnx', 'tfjs'] as const)('conv2d (%s)', (engine) => {
  it('is a cross-correlation in PyTorch’s layout: stride, padding of every side, bias', async () => {
    const on = { x: square, w: diagonal };
    const found = await results(
      {
        plain: { f: conv(), on },
        bias: { f: conv(), on: { ...on, b: floats([1], [10]) } },
        stride: { f: conv({ stride: 2, padding: 1 }), on },
        uneven: { f: conv({ padding: [1, 0, 0, 2] }), on },
        channels: {
          f: conv(),
          on: { x: floats([1, 2, 1, 1], [2, 3]), w: floats([2, 2, 1, 1], [1, 10, 100, 1000]), b: floats([2], [0, 5]) },
        },
        pointwisePadded: {
          f: conv({ padding: 1 }),
          on: { x: floats([1, 1, 1, 1], [5]), w: floats([1, 1, 1, 1], [2]), b: floats([1], [1]) },
        },
        line: { f: conv(), on: { x: ramp([1, 1, 1, 5]), w: floats([1, 1, 1, 3], [1, 0, -1]) } },
        // The windows begin at 1 and 4; 6 and 7 are in none.
        leftOver: { f: conv({ stride: 3 }), on: { x: ramp([1, 1, 2, 7]), w: floats([1, 1, 1, 2], [1, 1]) } },
        batch: { f: conv(), on: { x: ramp([2, 1, 2, 2]), w: diagonal } },
      },
      engine,
    );
    expectTensor(found['plain'], [1, 1, 2, 2], [6, 8, 12, 14], 'plain');
    expectTensor(found['bias'], [1, 1, 2, 2], [16, 18, 22, 24], 'bias');
    expectTensor(found['stride'], [1, 1, 2, 2], [1, 3, 7, 14], 'stride');
    expectTensor(found['uneven'], [1, 1, 3, 4], [2, 3, 0, 0, 6, 8, 3, 0, 12, 14, 6, 0], 'uneven');
    expectTensor(found['channels'], [1, 2, 1, 1], [32, 3205], 'channels');
    expectTensor(found['pointwisePadded'], [1, 1, 3, 3], [1, 1, 1, 1, 11, 1, 1, 1, 1], 'padded pointwise');
    expectTensor(found['line'], [1, 1, 1, 3], [-2, -2, -2], 'line');
    expectTensor(found['leftOver'], [1, 1, 1, 2], [3, 9], 'left over');
    expectTensor(found['batch'], [2, 1, 1, 1], [5, 13], 'batch');
  });

  it('has the gradients that are counted by hand', async () => {
    const gradient =
      (name: 'x' | 'w' | 'b'): Case['f'] =>
      (t) =>
        valueAndGrads(() => tf.sum(conv()(t)), t).grads[name]!;
    const on = { x: square, w: diagonal, b: floats([1], [0]) };
    const found = await results({ x: { f: gradient('x'), on }, w: { f: gradient('w'), on }, b: { f: gradient('b'), on } }, engine);
    expectTensor(found['x'], [1, 1, 3, 3], [1, 1, 0, 1, 2, 1, 0, 1, 1]);
    // The sums of the four squares that each weight meets.
    expectTensor(found['w'], [1, 1, 2, 2], [12, 16, 24, 28]);
    expectTensor(found['b'], [1], [4]);
  });
});

const GEOMETRIES = [
  ['3x3', { c: 2, o: 3, kernel: [3, 3], size: [4, 5], padding: 1 }],
  ['more inputs than outputs', { c: 4, o: 2, kernel: [3, 3], size: [4, 5], padding: 1 }],
  ['as large as the picture', { c: 3, o: 1, kernel: [3, 3], size: [3, 3] }],
  ['pointwise', { c: 3, o: 2, kernel: [1, 1], size: [2, 3] }],
  ['pointwise, padded', { c: 2, o: 3, kernel: [1, 1], size: [2, 3], padding: 1 }],
  ['pointwise, padded, more inputs', { c: 3, o: 2, kernel: [1, 1], size: [2, 3], padding: 1 }],
  ['pointwise, stride 2, a row left over', { c: 3, o: 2, kernel: [1, 1], size: [4, 5], stride: 2 }],
  ['stride 3, two columns left over', { c: 2, o: 3, kernel: [2, 2], size: [5, 7], stride: 3 }],
  ['stride 2, padded', { c: 2, o: 3, kernel: [3, 3], size: [5, 6], stride: 2, padding: 1 }],
  ['stride 2, padded at the far side', { c: 2, o: 2, kernel: [3, 3], size: [4, 5], stride: 2, padding: [0, 0, 1, 1] }],
  ['stride 2, padded more than the kernel', { c: 1, o: 2, kernel: [2, 2], size: [3, 3], stride: 2, padding: 3 }],
  ['padded more than the kernel', { c: 1, o: 2, kernel: [2, 2], size: [2, 3], padding: 3 }],
  ['padded more than the kernel, more inputs', { c: 3, o: 1, kernel: [2, 2], size: [2, 3], padding: 3 }],
  ['a column, uneven padding', { c: 2, o: 3, kernel: [3, 1], size: [3, 4], padding: [2, 0, 1, 0] }],
  ['a row, uneven padding, more inputs', { c: 3, o: 2, kernel: [1, 3], size: [1, 5], padding: [0, 1, 0, 2] }],
  ['2x4, uneven padding, stride 2', { c: 2, o: 2, kernel: [2, 4], size: [4, 5], stride: 2, padding: [1, 0, 2, 3] }],
] as const;

it('gradients are those of the function, whatever kernel, stride, padding and channels', () =>
  checkGradients(
    Object.fromEntries(
      GEOMETRIES.map(([name, { c, o, kernel, size, ...options }]): [string, Case] => [
        name,
        { f: conv(options), on: { x: wave([2, c, ...size]), w: wave([o, c, ...kernel], 2), b: wave([o], 3) } },
      ]),
    ),
  ));

it.each([
  ['other channels', [1, 2, 3, 3], [1, 3, 2, 2], {}, /expected x \[N, C, H, W\], weight/],
  ['a sequence', [2, 3, 3], [1, 3, 2, 2], {}, /expected x \[N, C, H, W\], weight/],
  ['a kernel that does not fit', [1, 1, 2, 2], [1, 1, 3, 3], {}, /a kernel that fits; got x \[1, 1, 2, 2\], weight \[1, 1, 3, 3\]/],
  ['a stride of 0', [1, 1, 2, 2], [1, 1, 1, 1], { stride: 0 }, /a stride of at least 1.*stride 0/],
  ['a broken stride', [1, 1, 2, 2], [1, 1, 1, 1], { stride: 1.5 }, /a stride of at least 1.*stride 1\.5/],
  ['negative padding', [1, 1, 3, 3], [1, 1, 1, 1], { padding: -1 }, /a padding of at least 0.*padding -1,-1,-1,-1/],
  ['half a row of padding', [1, 1, 3, 3], [1, 1, 1, 1], { padding: [0, 0.5, 0, 0] }, /a padding of at least 0/],
] as const)('refuses %s', (_, x, w, options, message) => expectRefused({ f: conv(options), on: { x: wave(x), w: wave(w) } }, message));

it.each(['onnx', 'tfjs'] as const)('refuses an empty batch when it is declared (%s)', async (engine) => {
  const signature = { inputs: { x: { shape: [0, 1, 3, 3] }, w: { shape: [1, 1, 1, 1] } } };
  await expect(compile(({ inputs }) => ({ outputs: { y: conv()(inputs) } }), signature, { engine })).rejects.toThrow(
    /inputs 'x' is declared as \[0, 1, 3, 3\]; every length is a whole number of at least 1/,
  );
});
