import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { trace } from '../index.ts';
import { checkGradients, expectTensor, floats, integers, ramp, results, wave, type Case } from '../testing/cases.ts';

await tf.setBackend('cpu');

const x = ramp([2, 3]);
const of = (f: (x: tf.Tensor) => tf.Tensor, on = x): Case => ({ f: (t) => f(t['x']!), on: { x: on } });

/** Kernel and case, shape, values. */
const CASES: readonly [string, Case, readonly number[], readonly number[]][] = [
  ['Identity', of((t) => tf.clone(t)), [2, 3], [1, 2, 3, 4, 5, 6]],
  ['Reshape', of((t) => tf.reshape(t, [3, -1])), [3, 2], [1, 2, 3, 4, 5, 6]],
  ['ExpandDims', of((t) => tf.expandDims(t, -1)), [2, 3, 1], [1, 2, 3, 4, 5, 6]],
  ['Transpose', of((t) => tf.transpose(t)), [3, 2], [1, 4, 2, 5, 3, 6]],
  ['Transpose of three axes', of((t) => tf.transpose(t, [2, 0, 1]), ramp([2, 1, 3])), [3, 2, 1], [1, 4, 2, 5, 3, 6]],
  ['Concat', of((t) => tf.concat([t, tf.mul(t, 10)], -1)), [2, 6], [1, 2, 3, 10, 20, 30, 4, 5, 6, 40, 50, 60]],
  ['Concat of other lengths', of((t) => tf.concat([t, tf.slice(t, [0, 0], [1, 3])], 0)), [3, 3], [1, 2, 3, 4, 5, 6, 1, 2, 3]],
  ['Slice', of((t) => tf.slice(t, [0, 1], [-1, 2])), [2, 2], [2, 3, 5, 6]],
  ['Slice of the first axis alone', of((t) => tf.slice(t, 1, 1)), [1, 3], [4, 5, 6]],
  ['Slice to the end', of((t) => tf.slice(t, [0, 2])), [2, 1], [3, 6]],
  ['PadV2', of((t) => tf.pad(t, [[0, 1], [2, 0]], 9)), [3, 5], [9, 9, 1, 2, 3, 9, 9, 4, 5, 6, 9, 9, 9, 9, 9]], // prettier-ignore
  ['Tile', of((t) => tf.tile(t, [2, 1])), [4, 3], [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]],
  ['Tile of axes of length one', of((t) => tf.tile(t, [1, 3]), ramp([2, 1])), [2, 3], [1, 1, 1, 2, 2, 2]],
  ['SplitV', of((t) => tf.split(t, [1, 2], 1)[1]!), [2, 2], [2, 3, 5, 6]],
  ['SplitV, the rest', of((t) => tf.split(t, [1, -1], -1)[1]!), [2, 2], [2, 3, 5, 6]],
  ['SplitV into equal parts', of((t) => tf.split(t, 3, 1)[2]!), [2, 1], [3, 6]],
  ['Pack', of((t) => tf.stack([t, tf.neg(t)], -1), ramp([2])), [2, 2], [1, -1, 2, -2]],
  ['Pack in front', of((t) => tf.stack([t, tf.neg(t)]), ramp([2])), [2, 2], [1, 2, -1, -2]],
  ['Unpack', of((t) => tf.unstack(t, -1)[1]!), [2], [2, 5]],
  ['Unpack of one', of((t) => tf.unstack(t, 0)[0]!, ramp([1, 2])), [2], [1, 2]],
  ['Fill', of((t) => tf.add(tf.fill([2, 3], 7), t)), [2, 3], [8, 9, 10, 11, 12, 13]],
  ['ZerosLike', of((t) => tf.add(tf.zerosLike(t), 2)), [2, 3], [2, 2, 2, 2, 2, 2]],
  ['OnesLike', of((t) => tf.sub(tf.onesLike(t), t)), [2, 3], [0, -1, -2, -3, -4, -5]],
];

describe.each(['onnx', 'tfjs'] as const)('shapes (%s)', (engine) => {
  it('are changed as by hand', async () => {
    const found = await results(Object.fromEntries(CASES.map(([name, one]) => [name, one])), engine);
    for (const [name, , shape, values] of CASES) expectTensor(found[name], shape, values, name);
  });

  it('of whole numbers stay whole', async () => {
    const i = integers([2], [16777217, -1]);
    const found = await results(
      {
        PadV2: of((t) => tf.pad(t, [[1, 0]], 3), i),
        Tile: of((t) => tf.tile(t, [2]), i),
        Concat: of((t) => tf.concat([t, t]), i),
        Slice: of((t) => tf.slice(t, [1], [1]), i),
        Pack: of((t) => tf.stack([t, t]), i),
        Fill: of((t) => tf.add(tf.fill([2], 1, 'int32'), t), i),
        ZerosLike: of((t) => tf.add(tf.zerosLike(t), t), i),
      },
      engine,
    );
    const expected = {
      PadV2: [3, 16777217, -1],
      Tile: [16777217, -1, 16777217, -1],
      Concat: [16777217, -1, 16777217, -1],
      Slice: [-1],
      Pack: [16777217, -1, 16777217, -1],
      Fill: [16777218, 0],
      ZerosLike: [16777217, -1],
    };
    for (const [name, values] of Object.entries(expected)) expect(found[name]!.data, name).toEqual(Int32Array.from(values));
  });
});

it('gradients go back where the values came from', () => {
  const back = (f: (t: tf.Tensor) => tf.Tensor, on = wave([2, 3])): Case => ({ f: (t) => tf.square(f(t['x']!)), on: { x: on } });
  return checkGradients({
    Reshape: back((t) => tf.reshape(t, [3, 2])),
    ExpandDims: back((t) => tf.expandDims(t, 1)),
    Transpose: back((t) => tf.transpose(t)),
    Concat: back((t) => tf.concat([t, tf.exp(t), t], 1)),
    Slice: back((t) => tf.slice(t, [1, 0], [1, 2])),
    PadV2: back((t) => tf.pad(t, [[0, 1], [2, 0]])), // prettier-ignore
    Tile: back((t) => tf.tile(t, [2, 3])),
    SplitV: back((t) => tf.split(t, [1, 2], 1)[1]!),
    Pack: back((t) => tf.stack([t, tf.exp(t)], 1)),
    Unpack: back((t) => tf.unstack(t, 1)[2]!),
    one: back((t) => tf.tile(t, [1, 3]), wave([2, 1])),
  });
});

it.each([
  ['a view of another size', (t: tf.Tensor) => tf.reshape(t, [4, 2]), /Size|cannot view|\(6\) must match|has 6 elements/i],
  [
    'a slice that leaves the tensor',
    (t: tf.Tensor) => tf.slice(t, [0, 2], [2, 2]),
    /op Slice cannot take x \[2, 3\]: begin \[0, 2\] size \[2, 2\] leaves \[2, 3\]/,
  ],
  ['parts that do not join', (t: tf.Tensor) => tf.concat([t, tf.ones([3, 3])], 1), /differ outside axis|Shape of tensors/i],
])('refuses %s', (_, f, message) => {
  // prettier-ignore
  expect(() => trace(({ inputs }) => ({ outputs: { y: f(inputs['x']!) } }), { inputs: { x: { shape: [2, 3] } } })).toThrow(message);
});

it('an output of ones of an integer’s shape keeps its type', async () => {
  const found = await results({ y: { f: (t) => tf.onesLike(t['x']!), on: { x: integers([2], [5, 6]) } } });
  expect(found['y']!.data).toEqual(Int32Array.of(1, 1));
  expectTensor((await results({ y: of((t) => tf.zerosLike(t), floats([1], [3])) }))['y'], [1], [0]);
});
