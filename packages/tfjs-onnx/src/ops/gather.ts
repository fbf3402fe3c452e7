import { sizeOf } from '../types.ts';
import { defineOp, type Lowering } from './definition.ts';

/** Indices of `length` rows, of which a negative one is an error: ONNX counts it from the end. */
const checked = (l: Lowering, indices: string, length: number): string =>
  l.g.op('Where', [l.g.op('Less', [indices, l.g.scalar(0, 'int32')]), l.g.scalar(length, 'int32'), indices]);

/** ONNX Runtime's OneHot takes indices of 64 bits only. */
const int64 = (l: Lowering, indices: string): string => l.g.op('Cast', [indices], { to: 7 });

defineOp<{ axis: number; batchDims: number }>({
  name: 'GatherV2',
  infer: ({ x, indices }, { axis, batchDims }) => {
    if (batchDims !== 0) throw new Error('batchDims other than 0');
    const at = axis < 0 ? axis + x!.shape.length : axis;
    return { shape: [...x!.shape.slice(0, at), ...indices!.shape, ...x!.shape.slice(at + 1)], dtype: x!.dtype };
  },
  lower: (l, { axis }) => l.g.op('Gather', [l.in('x'), checked(l, l.in('indices'), l.shape('x').at(axis)!)], { axis }),
});

/** An index that is in no class gives `offValue` everywhere; ONNX's OneHot counts negative ones from the end. */
defineOp<{ depth: number; onValue: number; offValue: number; dtype?: 'float32' | 'int32' }>({
  name: 'OneHot',
  infer: ({ indices }, { depth, dtype }) => ({ shape: [...indices!.shape, depth], dtype: dtype ?? 'int32' }),
  lower: (l, { depth, onValue, offValue, dtype = 'int32' }) => {
    const classes = l.g.constant(
      Int32Array.from({ length: depth }, (_, i) => i),
      [depth],
    );
    const hot = l.g.op('Equal', [l.reshape(l.in('indices'), [...l.shape('indices'), 1]), classes]);
    return l.g.op('Where', [hot, l.g.scalar(onValue, dtype), l.g.scalar(offValue, dtype)]);
  },
});

defineOp({
  name: 'nn.Embedding',
  infer: ({ ids, weight }) => ({ shape: [...ids!.shape, weight!.shape[1]!] }),
  lower: (l) => l.g.op('Gather', [l.in('weight'), checked(l, l.in('ids'), l.shape('weight')[0]!)], { axis: 0 }),
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
