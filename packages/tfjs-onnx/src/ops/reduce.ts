import * as tf from '@tensorflow/tfjs';
import type { Shape } from '../types.ts';
import { defineOp } from './definition.ts';

interface ReduceAttributes {
  axis?: number | number[];
  reductionIndices?: number | number[];
  keepDims?: boolean;
}

const axesOf = (shape: Shape, { axis, reductionIndices }: ReduceAttributes): number[] =>
  tf.util.parseAxisParam((axis ?? reductionIndices) as number[], [...shape]);

for (const [name, onnx] of [
  ['Sum', 'ReduceSum'],
  ['Mean', 'ReduceMean'],
  ['Max', 'ReduceMax'],
  ['Min', 'ReduceMin'],
] as const) {
  defineOp<ReduceAttributes>({
    name,
    infer: ({ x }, attributes) => {
      const axes = axesOf(x!.shape, attributes);
      const keep = attributes.keepDims === true;
      return {
        shape: x!.shape.flatMap((d, i) => (axes.includes(i) ? (keep ? [1] : []) : [d])),
        dtype: name === 'Mean' ? 'float32' : x!.dtype,
      };
    },
    lower: (l, attributes) => {
      const axes = axesOf(l.shape('x'), attributes);
      const { dtype } = l.node.inputs['x']!;
      const x = name === 'Mean' && dtype !== 'float32' ? l.g.op('Cast', [l.in('x')], { to: 1 }) : l.in('x');
      if (axes.length === 0) return x;
      const reduce = (kind: string, values: string): string =>
        l.g.op(kind, [values, l.g.int64(axes)], { keepdims: attributes.keepDims === true ? 1 : 0 });
      if ((name !== 'Max' && name !== 'Min') || dtype !== 'float32') return reduce(onnx, x);
      // ONNX Runtime's largest and smallest pass over NaN. A sum of zeros and NaNs does not.
      const unequal = l.g.op('Where', [l.g.op('Equal', [x, x]), l.g.scalar(0), x]);
      return l.g.op('Add', [reduce(onnx, x), reduce('ReduceSum', unequal)]);
    },
  });
}

defineOp<{ axis: number }>({
  name: 'ArgMax',
  infer: ({ x }, { axis }) => ({ shape: x!.shape.filter((_, i) => i !== axesOf(x!.shape, { axis })[0]), dtype: 'int32' }),
  lower: (l, { axis }) =>
    l.g.op('Cast', [l.g.op('ArgMax', [l.in('x')], { axis: axesOf(l.shape('x'), { axis })[0]!, keepdims: 0 })], { to: 6 }),
});

for (const [name, input, onnx] of [
  ['Softmax', 'logits', 'Softmax'],
  ['LogSoftmax', 'logits', 'LogSoftmax'],
] as const) {
  defineOp<{ dim?: number; axis?: number }>({
    name,
    infer: (inputs) => ({ shape: inputs[input]!.shape }),
    lower: (l, { dim, axis }) => l.g.op(onnx, [l.in(input)], { axis: dim ?? axis ?? -1 }),
  });
}
