import * as tf from '@tensorflow/tfjs';
import { uniform, uniformValue, type Value, type ValueType } from '../graph.ts';
import { showShape, type Shape } from '../types.ts';
import { defineOp, type Inputs, type Lowering } from './definition.ts';

export const broadcast = (a: Shape, b: Shape): number[] => tf.broadcast_util.assertAndGetBroadcastShape([...a], [...b]);
const same = (a: Shape, b: Shape): boolean => tf.util.arraysEqual([...a], [...b]);

/** `value` itself if `other` equals `neutral` everywhere and broadcasting does not enlarge it. */
const passThrough = (value: Value, other: Value, neutral: number): Value | null =>
  uniformValue(other) === neutral && same(broadcast(value.shape, other.shape), value.shape) ? value : null;

/** What a number is as an element: constants that are folded are what their op would have given. */
const element = (value: number, dtype: ValueType): number =>
  dtype === 'int32' ? Math.trunc(value) | 0 : dtype === 'bool' ? Number(value !== 0) : Math.fround(value);

interface Binary {
  name: string;
  onnx: string;
  compute?: (a: number, b: number) => number;
  /** x op neutral = x. */
  right?: number;
  commutes?: boolean;
  dtype?: ValueType;
}

const BINARY: Binary[] = [
  { name: 'Add', onnx: 'Add', compute: (a, b) => a + b, right: 0, commutes: true },
  { name: 'Sub', onnx: 'Sub', compute: (a, b) => a - b, right: 0 },
  { name: 'Multiply', onnx: 'Mul', compute: (a, b) => a * b, right: 1, commutes: true },
  { name: 'RealDiv', onnx: 'Div', compute: (a, b) => a / b, right: 1 },
  { name: 'Pow', onnx: 'Pow', compute: (a, b) => a ** b, right: 1 },
  { name: 'Maximum', onnx: 'Max', compute: Math.max },
  { name: 'Minimum', onnx: 'Min', compute: Math.min },
  { name: 'Greater', onnx: 'Greater', dtype: 'bool' },
  { name: 'GreaterEqual', onnx: 'GreaterOrEqual', dtype: 'bool' },
  { name: 'Less', onnx: 'Less', dtype: 'bool' },
  { name: 'LessEqual', onnx: 'LessOrEqual', dtype: 'bool' },
  { name: 'Equal', onnx: 'Equal', dtype: 'bool' },
  { name: 'LogicalAnd', onnx: 'And', dtype: 'bool' },
  { name: 'LogicalOr', onnx: 'Or', dtype: 'bool' },
];

for (const { name, onnx, compute, right, commutes, dtype } of BINARY) {
  defineOp({
    name,
    infer: ({ a, b }: Inputs) => ({ shape: broadcast(a!.shape, b!.shape), dtype: dtype ?? a!.dtype }),
    simplify: ({ a, b }: Inputs) => {
      const [ua, ub] = [uniformValue(a!), uniformValue(b!)];
      if (compute !== undefined && ua !== null && ub !== null)
        return uniform(element(compute(ua, ub), a!.dtype), broadcast(a!.shape, b!.shape), a!.dtype);
      if (right === undefined) return null;
      return passThrough(a!, b!, right) ?? (commutes === true ? passThrough(b!, a!, right) : null);
    },
    lower: (l) => l.g.op(onnx, [l.operand('a'), l.operand('b')]),
  });
}

defineOp({
  name: 'SquaredDifference',
  infer: ({ a, b }) => ({ shape: broadcast(a!.shape, b!.shape), dtype: a!.dtype }),
  lower: (l) => {
    const d = l.g.op('Sub', [l.operand('a'), l.operand('b')]);
    return l.g.op('Mul', [d, d]);
  },
});

const unary = (name: string, lower: (l: Lowering, x: string) => string, compute?: (x: number) => number): void =>
  defineOp({
    name,
    infer: ({ x }) => ({ shape: x!.shape, dtype: x!.dtype }),
    simplify: ({ x }) => {
      const value = uniformValue(x!);
      return compute === undefined || value === null ? null : uniform(element(compute(value), x!.dtype), x!.shape, x!.dtype);
    },
    lower: (l) => lower(l, l.in('x')),
  });

const DIRECT: [name: string, onnx: string, compute?: (x: number) => number][] = [
  ['Neg', 'Neg', (x) => -x],
  ['Relu', 'Relu', (x) => Math.max(x, 0)],
  ['Abs', 'Abs', Math.abs],
  ['Sign', 'Sign', Math.sign],
  ['LogicalNot', 'Not'],
];
for (const [name, onnx, compute] of DIRECT) unary(name, (l, x) => l.g.op(onnx, [x]), compute);
unary(
  'Square',
  (l, x) => l.g.op('Mul', [x, x]),
  (x) => x * x,
);

/** Functions whose values are no whole numbers: of integers, tfjs hands over those of Exp alone, whose result it calls float32. */
const real = (name: string, lower: (l: Lowering, x: string) => string, compute?: (x: number) => number): void =>
  defineOp({
    name,
    infer: ({ x }) => {
      if (x!.dtype !== 'float32' && name !== 'Exp') throw new Error(`x is ${x!.dtype}, expected float32: tf.cast it`);
      return { shape: x!.shape };
    },
    simplify: ({ x }) => {
      const value = uniformValue(x!);
      return compute === undefined || value === null || x!.dtype !== 'float32' ? null : uniform(Math.fround(compute(value)), x!.shape);
    },
    lower: (l) => lower(l, l.node.inputs['x']!.dtype === 'float32' ? l.in('x') : l.g.op('Cast', [l.in('x')], { to: 1 })),
  });

const REAL: [name: string, compute?: (x: number) => number][] = [
  ['Sigmoid'],
  ['Exp', Math.exp],
  ['Log', Math.log],
  ['Sqrt', Math.sqrt],
  ['Tanh', Math.tanh],
  ['Sin', Math.sin],
  ['Cos', Math.cos],
  ['Reciprocal', (x) => 1 / x],
  ['Erf'],
  ['Softplus'],
];
for (const [name, compute] of REAL) real(name, (l, x) => l.g.op(name, [x]), compute);
real(
  'Rsqrt',
  (l, x) => l.g.op('Reciprocal', [l.g.op('Sqrt', [x])]),
  (x) => 1 / Math.sqrt(x),
);

/** What the result's elements are, of an op that booleans don't go into. */
const numberType = (l: Lowering): 'float32' | 'int32' => (l.node.outputs[0]!.dtype === 'int32' ? 'int32' : 'float32');

defineOp<{ alpha: number }>({
  name: 'Step',
  infer: ({ x }) => ({ shape: x!.shape, dtype: x!.dtype }),
  lower: (l, { alpha }) => {
    const scalar = (value: number): string => l.g.scalar(value, numberType(l));
    return l.g.op('Where', [l.g.op('Greater', [l.in('x'), scalar(0)]), scalar(1), scalar(alpha)]);
  },
});

defineOp<{ clipValueMin: number; clipValueMax: number }>({
  name: 'ClipByValue',
  infer: ({ x }) => ({ shape: x!.shape, dtype: x!.dtype }),
  lower: (l, { clipValueMin, clipValueMax }) => {
    const dtype = numberType(l);
    return l.g.op('Clip', [l.in('x'), l.g.scalar(clipValueMin, dtype), l.g.scalar(clipValueMax, dtype)]);
  },
});

defineOp({
  name: 'Select',
  infer: ({ condition, t, e }) => ({ shape: broadcast(condition!.shape, broadcast(t!.shape, e!.shape)), dtype: t!.dtype }),
  lower: (l) => l.g.op('Where', [l.in('condition'), l.operand('t'), l.operand('e')]),
});

defineOp<{ dtype: ValueType }>({
  name: 'Cast',
  infer: ({ x }, { dtype }) => ({ shape: x!.shape, dtype }),
  simplify: ({ x }, { dtype }) => {
    const value = uniformValue(x!);
    if (x!.dtype === dtype) return x!;
    return value === null ? null : uniform(element(value, dtype), x!.shape, dtype);
  },
  lower: (l, { dtype }) => l.g.op('Cast', [l.in('x')], { to: { float32: 1, int32: 6, bool: 9 }[dtype] }),
});

/** Adds any number of tensors of one shape (how tfjs joins gradients of a value used several times). */
defineOp({
  name: 'AddN',
  infer: (inputs) => {
    const [first, ...rest] = Object.values(inputs) as [Value, ...Value[]];
    for (const other of rest)
      if (!same(first.shape, other.shape)) throw new Error(`shapes ${showShape(first.shape)} and ${showShape(other.shape)} differ`);
    return { shape: first.shape, dtype: first.dtype };
  },
  lower: (l) => {
    const names = Object.keys(l.node.inputs).map((name) => l.in(name));
    // ONNX's Sum takes floating-point numbers only.
    return l.node.outputs[0]!.dtype === 'float32' ? l.g.op('Sum', names) : names.reduce((sum, name) => l.g.op('Add', [sum, name]));
  },
});
