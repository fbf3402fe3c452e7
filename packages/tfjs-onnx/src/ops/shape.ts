import * as tf from '@tensorflow/tfjs';
import { uniform, uniformValue, type Value } from '../graph.ts';
import { showShape, sizeOf, type Shape } from '../types.ts';
import { defineOp, type Inputs, type Lowering } from './definition.ts';

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
const asUniform = (value: Value, shape: Shape): Value | null => {
  const number = uniformValue(value);
  return number === null ? null : uniform(number, shape, value.dtype);
};

defineOp({ name: 'Identity', infer: ({ x }) => ({ shape: x!.shape, dtype: x!.dtype }), simplify: ({ x }) => x!, lower: (l) => l.in('x') });

const reshaped = ({ x }: Inputs, shape: number[]): number[] => tf.util.inferFromImplicitShape(shape, sizeOf(x!.shape));

defineOp<{ shape: number[] }>({
  name: 'Reshape',
  infer: (inputs, { shape }) => {
    const to = reshaped(inputs, shape);
    if (sizeOf(to) !== sizeOf(inputs['x']!.shape)) throw new Error(`cannot view ${showShape(inputs['x']!.shape)} as ${showShape(to)}`);
    return { shape: to, dtype: inputs['x']!.dtype };
  },
  simplify: (inputs, { shape }) => {
    const to = reshaped(inputs, shape);
    return tf.util.arraysEqual([...inputs['x']!.shape], to) ? inputs['x']! : asUniform(inputs['x']!, to);
  },
  lower: (l) => l.reshape(l.in('x'), l.node.outputs[0]!.shape),
});

const expanded = (shape: Shape, dim: number): number[] => {
  const to = [...shape];
  to.splice(dim < 0 ? shape.length + dim + 1 : dim, 0, 1);
  return to;
};

defineOp<{ dim: number }>({
  name: 'ExpandDims',
  infer: ({ input }, { dim }) => ({ shape: expanded(input!.shape, dim), dtype: input!.dtype }),
  simplify: ({ input }, { dim }) => asUniform(input!, expanded(input!.shape, dim)),
  lower: (l) => l.reshape(l.in('input'), l.node.outputs[0]!.shape),
});

defineOp<{ perm: number[] }>({
  name: 'Transpose',
  infer: ({ x }, { perm }) => ({ shape: perm.map((p) => x!.shape[p]!), dtype: x!.dtype }),
  simplify: ({ x }, { perm }) =>
    perm.every((p, i) => p === i)
      ? x!
      : asUniform(
          x!,
          perm.map((p) => x!.shape[p]!),
        ),
  lower: (l, { perm }) => l.transpose(l.in('x'), perm),
});

defineOp<{ axis: number }>({
  name: 'Concat',
  infer: (inputs, { axis }) => {
    const list = Object.values(inputs) as Value[];
    const shape = [...list[0]!.shape];
    const at = positive(axis, shape.length);
    for (const other of list) {
      if (other.shape.length !== shape.length || other.shape.some((d, i) => i !== at && d !== shape[i])) {
        throw new Error(`shapes ${list.map((v) => showShape(v.shape)).join(', ')} differ outside axis ${at}`);
      }
    }
    shape[at] = list.reduce((sum, v) => sum + v.shape[at]!, 0);
    return { shape, dtype: list[0]!.dtype };
  },
  lower: (l, { axis }) => {
    const names = Object.keys(l.node.inputs).map((name) => l.in(name));
    return names.length === 1 ? names[0]! : l.g.op('Concat', names, { axis: positive(axis, l.node.outputs[0]!.shape.length) });
  },
});

/** @param begin of every axis, of the first ones, or a number: of the first */
const sliced = (shape: Shape, begin: number | number[], size: number | number[]): { from: number[]; lengths: number[] } => {
  const [begins, sizes] = [[begin].flat(), [size ?? []].flat()];
  const from = shape.map((_, i) => begins[i] ?? 0);
  return { from, lengths: shape.map((d, i) => (sizes[i] === undefined || sizes[i] < 0 ? d - from[i]! : sizes[i])) };
};

defineOp<{ begin: number | number[]; size: number | number[] }>({
  name: 'Slice',
  infer: ({ x }, { begin, size }) => {
    const { from, lengths } = sliced(x!.shape, begin, size);
    if (from.some((b, i) => b < 0 || b + lengths[i]! > x!.shape[i]!))
      throw new Error(`begin ${showShape(from)} size ${showShape(lengths)} leaves ${showShape(x!.shape)}`);
    return { shape: lengths, dtype: x!.dtype };
  },
  simplify: ({ x }, { begin, size }) => {
    const { lengths } = sliced(x!.shape, begin, size);
    return tf.util.arraysEqual(lengths, [...x!.shape]) ? x! : asUniform(x!, lengths);
  },
  lower: (l, { begin, size }) => {
    const { from, lengths } = sliced(l.shape('x'), begin, size);
    const axes = l.shape('x').flatMap((d, i) => (lengths[i] === d ? [] : [i]));
    return l.g.op('Slice', [
      l.in('x'),
      l.g.int64(axes.map((i) => from[i]!)),
      l.g.int64(axes.map((i) => from[i]! + lengths[i]!)),
      l.g.int64(axes),
    ]);
  },
});

defineOp<{ paddings: [number, number][]; constantValue: number }>({
  name: 'PadV2',
  infer: ({ x }, { paddings }) => ({ shape: x!.shape.map((d, i) => d + paddings[i]![0] + paddings[i]![1]), dtype: x!.dtype }),
  lower: (l, { paddings, constantValue }) =>
    l.g.op('Pad', [
      l.in('x'),
      l.g.int64([...paddings.map((p) => p[0]), ...paddings.map((p) => p[1])]),
      l.g.scalar(constantValue, l.node.inputs['x']!.dtype === 'int32' ? 'int32' : 'float32'),
    ]),
});

defineOp<{ reps: number[] }>({
  name: 'Tile',
  infer: ({ x }, { reps }) => ({ shape: x!.shape.map((d, i) => d * reps[i]!), dtype: x!.dtype }),
  simplify: ({ x }, { reps }) =>
    reps.every((r) => r === 1)
      ? x!
      : asUniform(
          x!,
          x!.shape.map((d, i) => d * reps[i]!),
        ),
  lower: (l, { reps }) => {
    // Repeating axes of length one is a view in most consumers; Expand is much cheaper than Tile there.
    const expands = l.shape('x').every((d, i) => d === 1 || reps[i] === 1);
    return expands ? l.g.op('Expand', [l.in('x'), l.g.int64(l.node.outputs[0]!.shape)]) : l.g.op('Tile', [l.in('x'), l.g.int64(reps)]);
  },
});

/** WebGPU binds every tensor of a kernel as a storage buffer, of which it guarantees eight. */
const WEBGPU_BUFFERS = 8;

/** Consecutive pieces along an axis. */
function split(l: Lowering, x: string, sizes: readonly number[], axis: number): string[] {
  if (sizes.length === 1) return [x];
  if (l.provider !== 'webgpu' || sizes.length < WEBGPU_BUFFERS) return l.g.ops('Split', [x, l.g.int64(sizes)], sizes.length, { axis });
  let end = 0;
  return sizes.map((size) => l.g.op('Slice', [x, l.g.int64([end]), l.g.int64([(end += size)]), l.g.int64([axis])]));
}

defineOp<{ numOrSizeSplits: number | number[]; axis: number }>({
  name: 'SplitV',
  infer: ({ x }, { numOrSizeSplits, axis }) => {
    const at = positive(axis, x!.shape.length);
    const sizes = tf.backend_util.prepareSplitSize({ shape: x!.shape } as tf.Tensor, numOrSizeSplits as number, at);
    return sizes.map((size) => ({ shape: x!.shape.map((d, i) => (i === at ? size : d)), dtype: x!.dtype }));
  },
  lower: (l, { axis }) => {
    const at = positive(axis, l.shape('x').length);
    return split(
      l,
      l.in('x'),
      l.node.outputs.map((v) => v.shape[at]!),
      at,
    );
  },
});

defineOp<{ axis: number }>({
  name: 'Pack',
  infer: (inputs, { axis }) => {
    const list = Object.values(inputs) as Value[];
    const shape = expanded(list[0]!.shape, axis);
    shape[positive(axis, shape.length)] = list.length;
    return { shape, dtype: list[0]!.dtype };
  },
  lower: (l, { axis }) => {
    const one = expanded(Object.values(l.node.inputs)[0]!.shape, axis);
    return l.g.op(
      'Concat',
      Object.keys(l.node.inputs).map((name) => l.reshape(l.in(name), one)),
      { axis: positive(axis, one.length) },
    );
  },
});

defineOp<{ axis: number }>({
  name: 'Unpack',
  infer: ({ value }, { axis }) => {
    const at = positive(axis, value!.shape.length);
    return Array.from({ length: value!.shape[at]! }, () => ({ shape: value!.shape.filter((_, i) => i !== at), dtype: value!.dtype }));
  },
  lower: (l, { axis }) => {
    const at = positive(axis, l.shape('value').length);
    return split(
      l,
      l.in('value'),
      l.node.outputs.map(() => 1),
      at,
    ).map((part, i) => l.reshape(part, l.node.outputs[i]!.shape));
  },
});

defineOp<{ shape: number[]; value: number; dtype: 'float32' | 'int32' }>({
  name: 'Fill',
  infer: (_, { shape, dtype }) => ({ shape, dtype: dtype ?? 'float32' }),
  simplify: (_, { shape, value, dtype }) => uniform(value, shape, dtype ?? 'float32'),
  lower: (l, { shape, value, dtype }) => l.g.uniform(value, shape, dtype ?? 'float32'),
});

for (const [name, value] of [
  ['ZerosLike', 0],
  ['OnesLike', 1],
] as const) {
  defineOp({
    name,
    infer: ({ x }) => ({ shape: x!.shape, dtype: x!.dtype }),
    simplify: ({ x }) => uniform(value, x!.shape, x!.dtype),
    lower: (l) => l.g.uniform(value, l.shape('x'), 'float32'),
  });
}
