import * as tf from '@tensorflow/tfjs';
import { uniform, uniformValue, type Value, type ValueType } from '../graph.ts';
import { showShape, type Shape } from '../types.ts';
import { defineOp, type Inputs, type Lowering } from './definition.ts';

export const broadcast = (a: Shape, b: Shape): number[] => tf.broadcast_util.assertAndGetBroadcastShape([...a], [...b]);
const same = (a: Shape, b: Shape): boolean => tf.util.arraysEqual([...a], [...b]);

/** `value` itself if `other` equals `neutral` everywhere and broadcasting does not enlarge it. */
const passThrough = (value: Value, other: Value, neutral: number): Value | null =>
  uniformValue(other) === neutral && same(broadcast(value.shape, other.shape), value.shape) ? value : null;

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
        return uniform(Math.fround(compute(ua, ub)), broadcast(a!.shape, b!.shape), a!.dtype);
      if (right === undefined) return null;
      return passThrough(a!, b!, right) ?? (commutes === true ? passThrough(b!, a!, right) : null);
    },
    lower: (l) => l.g.op(onnx, [l.operand('a'), l.operand('b')]),
  });
}

defineOp({
  name: 'SquaredDifference',
  infer: ({ a, b }) => ({ shape: broadcast(a!.shape, b!.shape) }),
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
      return compute === undefined || value === null ? null : uniform(Math.fround(compute(value)), x!.shape, x!.dtype);
    },
    lower: (l) => lower(l, l.in('x')),
  });

const DIRECT: [name: string, onnx: string, compute?: (x: number) => number][] = [
  ['Sigmoid', 'Sigmoid'],
  ['Exp', 'Exp', Math.exp],
  ['Log', 'Log', Math.log],
  ['Sqrt', 'Sqrt', Math.sqrt],
  ['Neg', 'Neg', (x) => -x],
  ['Tanh', 'Tanh', Math.tanh],
  ['Sin', 'Sin', Math.sin],
  ['Cos', 'Cos', Math.cos],
  ['Reciprocal', 'Reciprocal', (x) => 1 / x],
  ['Relu', 'Relu', (x) => Math.max(x, 0)],
  ['Abs', 'Abs', Math.abs],
  ['Sign', 'Sign', Math.sign],
  ['Erf', 'Erf'],
  ['Softplus', 'Softplus'],
  ['LogicalNot', 'Not'],
];
for (const [name, onnx, compute] of DIRECT) unary(name, (l, x) => l.g.op(onnx, [x]), compute);
unary(
  'Square',
  (l, x) => l.g.op('Mul', [x, x]),
  (x) => x * x,
);
unary(
  'Rsqrt',
  (l, x) => l.g.op('Reciprocal', [l.g.op('Sqrt', [x])]),
  (x) => 1 / Math.sqrt(x),
);

defineOp<{ alpha: number }>({
  name: 'Step',
  infer: ({ x }) => ({ shape: x!.shape }),
  lower: (l, { alpha }) => l.g.op('Where', [l.g.op('Greater', [l.in('x'), l.g.scalar(0)]), l.g.scalar(1), l.g.scalar(alpha)]),
});

defineOp<{ clipValueMin: number; clipValueMax: number }>({
  name: 'ClipByValue',
  infer: ({ x }) => ({ shape: x!.shape }),
  lower: (l, { clipValueMin, clipValueMax }) => l.g.op('Clip', [l.in('x'), l.g.scalar(clipValueMin), l.g.scalar(clipValueMax)]),
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
    return value === null ? null : uniform(dtype === 'int32' ? Math.trunc(value) : value, x!.shape, dtype);
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
  lower: (l) =>
    l.g.op(
      'Sum',
      Object.keys(l.node.inputs).map((name) => l.in(name)),
    ),
});
