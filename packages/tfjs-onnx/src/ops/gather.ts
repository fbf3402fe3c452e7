import { sizeOf } from '../types.ts';
import { defineOp, type Lowering } from './definition.ts';

/** ONNX Runtime's OneHot takes indices of 64 bits only. */
const int64 = (l: Lowering, indices: string): string => l.g.op('Cast', [indices], { to: 7 });

defineOp<{ axis: number; batchDims: number }>({
  name: 'GatherV2',
  infer: ({ x, indices }, { axis, batchDims }) => {
    if (batchDims !== 0) throw new Error('batchDims other than 0');
    const at = axis < 0 ? axis + x!.shape.length : axis;
    return { shape: [...x!.shape.slice(0, at), ...indices!.shape, ...x!.shape.slice(at + 1)], dtype: x!.dtype };
  },
  lower: (l, { axis }) => l.g.op('Gather', [l.in('x'), l.in('indices')], { axis }),
});

defineOp<{ depth: number; onValue: number; offValue: number }>({
  name: 'OneHot',
  infer: ({ indices }, { depth }) => ({ shape: [...indices!.shape, depth] }),
  lower: (l, { depth, onValue, offValue }) =>
    l.g.op('OneHot', [int64(l, l.in('indices')), l.g.int64([depth]), l.g.constant(Float32Array.of(offValue, onValue), [2])], { axis: -1 }),
});

defineOp({
  name: 'nn.Embedding',
  infer: ({ ids, weight }) => ({ shape: [...ids!.shape, weight!.shape[1]!] }),
  lower: (l) => l.g.op('Gather', [l.in('weight'), l.in('ids')], { axis: 0 }),
});

/** Rows of dy added up by id, as one product with the one-hot matrix: deterministic, unlike a scattered add. */
defineOp<{ rows: number }>({
  name: 'nn.EmbeddingGrad',
  infer: ({ dy }, { rows }) => ({ shape: [rows, dy!.shape[dy!.shape.length - 1]!] }),
  lower: (l, { rows }) => {
    const tokens = sizeOf(l.shape('ids'));
    const width = l.node.outputs[0]!.shape[1]!;
    const oneHot = l.g.op(
      'OneHot',
      [int64(l, l.reshape(l.in('ids'), [tokens])), l.g.int64([rows]), l.g.constant(Float32Array.of(0, 1), [2])],
      { axis: 0 },
    );
    return l.g.op('MatMul', [oneHot, l.reshape(l.in('dy'), [tokens, width])]);
  },
});
