import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { compile } from '../index.ts';
import { checkGradients, expectTensor, floats, integers, results, wave, type Case } from '../testing/cases.ts';

await tf.setBackend('cpu');

type Values = readonly number[];
const E = Math.E;

/** Kernel, function, operands, result. */
const BINARY: readonly [string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, Values, Values, Values][] = [
  ['Add', tf.add, [6, -2], [3, 4], [9, 2]],
  ['Sub', tf.sub, [6, -2], [3, 4], [3, -6]],
  ['Multiply', tf.mul, [6, -2], [3, 4], [18, -8]],
  ['RealDiv', tf.div, [6, -2, 1], [3, 4, 0], [2, -0.5, Infinity]],
  ['Pow', tf.pow, [2, -2, 4, 0], [3, 2, 0.5, 0], [8, 4, 2, 1]],
  ['Maximum', tf.maximum, [6, -2, NaN], [3, 4, 1], [6, 4, NaN]],
  ['Minimum', tf.minimum, [6, -2, NaN], [3, 4, 1], [3, -2, NaN]],
  ['SquaredDifference', tf.squaredDifference, [6, -2], [3, 4], [9, 36]],
];

const COMPARISONS: readonly [string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, Values][] = [
  ['Greater', tf.greater, [0, 0, 1]],
  ['GreaterEqual', tf.greaterEqual, [0, 1, 1]],
  ['Less', tf.less, [1, 0, 0]],
  ['LessEqual', tf.lessEqual, [1, 1, 0]],
  ['Equal', tf.equal, [0, 1, 0]],
];

/** Kernel, function, argument, value. */
const UNARY: readonly [string, (x: tf.Tensor) => tf.Tensor, Values, Values][] = [
  ['Sigmoid', tf.sigmoid, [-1, 0, 100], [0.2689414, 0.5, 1]],
  ['Exp', tf.exp, [-1, 0, 1], [1 / E, 1, E]],
  ['Log', tf.log, [1, E, 0], [0, 1, -Infinity]],
  ['Sqrt', tf.sqrt, [0, 4, -1], [0, 2, NaN]],
  ['Rsqrt', tf.rsqrt, [4, 0.25, 0], [0.5, 2, Infinity]],
  ['Reciprocal', tf.reciprocal, [4, -0.5], [0.25, -2]],
  ['Neg', tf.neg, [4, -0.5], [-4, 0.5]],
  ['Abs', tf.abs, [4, -0.5], [4, 0.5]],
  ['Sign', tf.sign, [4, -0.5, 0], [1, -1, 0]],
  ['Square', tf.square, [4, -0.5], [16, 0.25]],
  ['Relu', tf.relu, [4, -0.5, 0, NaN], [4, 0, 0, NaN]],
  ['Step', (x) => tf.step(x, 0.1), [4, -0.5, 0], [1, 0.1, 0.1]],
  ['Tanh', tf.tanh, [0, 1, -100], [0, 0.7615942, -1]],
  ['Sin', tf.sin, [0, Math.PI / 6], [0, 0.5]],
  ['Cos', tf.cos, [0, Math.PI / 3], [1, 0.5]],
  ['Erf', tf.erf, [0, 1, -1, 9], [0, 0.8427008, -0.8427008, 1]],
  ['Softplus', tf.softplus, [0, 100, -100], [Math.LN2, 100, 0]],
  ['ClipByValue', (x) => tf.clipByValue(x, -1, 2), [-3, 0.5, 7], [-1, 0.5, 2]],
  ['Cast', (x) => tf.cast(x, 'int32'), [-1.9, 1.9, 2.5], [-1, 1, 2]],
];

const vector = (values: Values) => floats([values.length], values);

describe.each(['onnx', 'tfjs'] as const)('elementwise (%s)', (engine) => {
  it('ops have the values of their formulas', async () => {
    const found = await results(
      Object.fromEntries([
        ...BINARY.map(([name, f, a, b]): [string, Case] => [name, { f: (t) => f(t['a']!, t['b']!), on: { a: vector(a), b: vector(b) } }]),
        ...UNARY.map(([name, f, x]): [string, Case] => [name, { f: (t) => f(t['x']!), on: { x: vector(x) } }]),
        ...COMPARISONS.map(([name, f]): [string, Case] => [
          name,
          { f: (t) => tf.cast(f(t['a']!, t['b']!), 'float32'), on: { a: vector([1, 2, 3]), b: vector([2, 2, 2]) } },
        ]),
      ]),
      engine,
    );
    for (const [name, , a, , expected] of BINARY) expectTensor(found[name], [a.length], expected, name);
    for (const [name, , x, expected] of UNARY) expectTensor(found[name], [x.length], expected, name);
    for (const [name, , expected] of COMPARISONS) expectTensor(found[name], [3], expected, name);
  });

  it('LogicalAnd, LogicalOr, LogicalNot, Select, AddN', async () => {
    const x = vector([-1, 1, 3]);
    const [positive, large] = [(t: tf.Tensor) => tf.greater(t, 0), (t: tf.Tensor) => tf.greater(t, 2)];
    const bool = (f: (t: tf.Tensor) => tf.Tensor): Case => ({ f: (t) => tf.cast(f(t['x']!), 'int32'), on: { x } });
    const found = await results(
      {
        and: bool((t) => tf.logicalAnd(positive(t), large(t))),
        or: bool((t) => tf.logicalOr(positive(t), large(t))),
        not: bool((t) => tf.logicalNot(positive(t))),
        select: { f: (t) => tf.where(positive(t['x']!), t['x']!, tf.mul(t['x']!, 10)), on: { x } },
        selectRow: {
          f: (t) => tf.where(positive(t['x']!), t['a']!, tf.zerosLike(t['a']!)),
          on: { x, a: floats([2, 3], [1, 2, 3, 4, 5, 6]) },
        },
        sum: { f: (t) => tf.addN([t['x']!, t['x']!, t['y']!]), on: { x, y: vector([10, 20, 30]) } },
        one: { f: (t) => tf.addN([t['x']!]), on: { x } },
      },
      engine,
    );
    for (const [name, expected] of [
      ['and', [0, 0, 1]],
      ['or', [0, 1, 1]],
      ['not', [1, 0, 0]],
    ] as const)
      // prettier-ignore
      expect(found[name]!.data, name).toEqual(Int32Array.from(expected));
    expectTensor(found['select'], [3], [-10, 1, 3]);
    expectTensor(found['selectRow'], [2, 3], [0, 2, 3, 0, 5, 6]);
    expectTensor(found['sum'], [3], [8, 22, 36]);
    expectTensor(found['one'], [3], [-1, 1, 3]);
  });

  it('broadcast like NumPy, constants and axes of length one among them', async () => {
    const [column, row] = [floats([2, 1], [10, 20]), vector([1, 2, 3])];
    const found = await results(
      {
        both: { f: (t) => tf.add(t['c']!, t['r']!), on: { c: column, r: row } },
        scalar: { f: (t) => tf.sub(1, t['r']!), on: { r: row } },
        // As many numbers, and an axis more: the ones bring the shape.
        axis: { f: (t) => tf.mul(tf.ones([1, 3]), t['r']!), on: { r: row } },
        larger: { f: (t) => tf.add(tf.fill([2, 3], 5), t['r']!), on: { r: row } },
      },
      engine,
    );
    expectTensor(found['both'], [2, 3], [11, 12, 13, 21, 22, 23]);
    expectTensor(found['scalar'], [3], [0, -1, -2]);
    expectTensor(found['axis'], [1, 3], [1, 2, 3]);
    expectTensor(found['larger'], [2, 3], [6, 7, 8, 6, 7, 8]);
  });

  it('keep whole numbers whole', async () => {
    const x = integers([4], [-3, 0, 2, 7]);
    const whole: readonly [string, (x: tf.Tensor) => tf.Tensor, Values][] = [
      ['Neg', tf.neg, [3, 0, -2, -7]],
      ['Abs', tf.abs, [3, 0, 2, 7]],
      ['Square', tf.square, [9, 0, 4, 49]],
      ['Step', tf.step, [0, 0, 1, 1]],
      ['ClipByValue', (t) => tf.clipByValue(t, -1, 3), [-1, 0, 2, 3]],
      ['SquaredDifference', (t) => tf.squaredDifference(t, tf.scalar(1, 'int32')), [16, 1, 1, 36]],
      ['AddN', (t) => tf.addN([t, t, t]), [-9, 0, 6, 21]],
      ['Maximum', (t) => tf.maximum(t, tf.scalar(1, 'int32')), [1, 1, 2, 7]],
      ['Greater', (t) => tf.cast(tf.greater(t, 1), 'int32'), [0, 0, 1, 1]],
    ];
    const found = await results(
      {
        ...Object.fromEntries(whole.map(([name, f]): [string, Case] => [name, { f: (t) => f(t['x']!), on: { x } }])),
        exp: { f: (t) => tf.exp(t['x']!), on: { x: integers([2], [0, 1]) } },
        mixed: { f: (t) => tf.mul(t['x']!, t['y']!), on: { x: integers([2], [3, 5]), y: vector([0.5, 0.1]) } },
      },
      engine,
    );
    for (const [name, , expected] of whole) expect(found[name]!.data, name).toEqual(Int32Array.from(expected));
    expectTensor(found['exp'], [2], [1, E]);
    expectTensor(found['mixed'], [2], [1.5, 0.5]);
  });

  it('fold constants to what the ops would have given', async () => {
    // 2^24 + 1 is no float32; 2 is true, which is 1.
    const large = () => tf.fill([1], 16777217, 'int32');
    const found = await results(
      {
        sum: { f: (t) => tf.add(tf.add(large(), large()), t['i']!), on: { i: integers([1], [0]) } },
        negative: { f: (t) => tf.add(tf.neg(large()), t['i']!), on: { i: integers([1], [0]) } },
        truth: { f: (t) => tf.add(tf.cast(tf.cast(tf.fill([2], 2), 'bool'), 'float32'), t['x']!), on: { x: vector([1, 2]) } },
        floats: { f: (t) => tf.add(tf.exp(tf.fill([1], 1)), t['x']!), on: { x: vector([0]) } },
      },
      engine,
    );
    expect(found['sum']!.data).toEqual(Int32Array.of(33554434));
    expect(found['negative']!.data).toEqual(Int32Array.of(-16777217));
    expectTensor(found['truth'], [2], [2, 3]);
    expectTensor(found['floats'], [1], [E]);
  });

  it('refuse to hand out booleans', async () => {
    await expect(results({ y: { f: (t) => tf.greater(t['x']!, 0), on: { x: vector([1]) } } }, engine)).rejects.toThrow(
      /returned a bool tensor as 'y'; tf\.cast it/,
    );
  });
});

it.each([
  ['Reciprocal', tf.reciprocal],
  ['Softplus', tf.softplus],
] as const)('%s of whole numbers is refused, which tfjs would cut off', async (name, f) => {
  // prettier-ignore
  const signature = { inputs: { x: { shape: [2], dtype: 'int32' } } } as const;
  await expect(compile(({ inputs }) => ({ outputs: { y: f(inputs['x']!) } }), signature)).rejects.toThrow(
    `op ${name} cannot take x [2]: x is int32, expected float32: tf.cast it`,
  );
});

it('gradients are those of the functions', () => {
  const away = floats([4], [-1.5, -0.6, 0.7, 1.9]);
  const above = floats([4], [0.4, 0.9, 1.6, 2.5]);
  const of = (f: (x: tf.Tensor) => tf.Tensor, x = away): Case => ({ f: (t) => f(t['x']!), on: { x } });
  const two = (f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, b = wave([2, 1], 3)): Case => ({
    f: (t) => f(t['a']!, t['b']!),
    on: { a: floats([2, 2], [0.9, 1.4, 2.1, 0.6]), b },
  });
  return checkGradients({
    ...{ Sigmoid: of(tf.sigmoid), Exp: of(tf.exp), Tanh: of(tf.tanh), Sin: of(tf.sin), Cos: of(tf.cos), Erf: of(tf.erf) },
    ...{ Softplus: of(tf.softplus), Neg: of(tf.neg), Abs: of(tf.abs), Square: of(tf.square), Relu: of(tf.relu) },
    ...{ Log: of(tf.log, above), Sqrt: of(tf.sqrt, above), Rsqrt: of(tf.rsqrt, above), Reciprocal: of(tf.reciprocal, above) },
    ...{ Add: two(tf.add), Sub: two(tf.sub), Multiply: two(tf.mul), RealDiv: two(tf.div, floats([2, 1], [1.5, -2])), Pow: two(tf.pow) },
    Maximum: two(tf.maximum, floats([2, 2], [1.2, 0.3, 2.9, 1.1])),
    Minimum: two(tf.minimum, floats([2, 2], [1.2, 0.3, 2.9, 1.1])),
    SquaredDifference: two(tf.squaredDifference, floats([2, 2], [1.2, 0.3, 2.9, 1.1])),
    ClipByValue: of((x) => tf.clipByValue(x, -1, 1)),
    AddN: of((x) => tf.addN([x, tf.square(x), x])),
    Select: of((x) => tf.where(tf.tensor([true, false, true, false]), tf.square(x), tf.exp(x))),
  });
});
