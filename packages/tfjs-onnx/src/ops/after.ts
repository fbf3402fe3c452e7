import { defineOp } from './definition.ts';

/**
 * x, but not before `other` is known: what keeps a computation that is repeated on purpose from being merged with the first one. A factor
 * of one that ONNX Runtime cannot know to be one, since it is chosen by a number of `other`.
 */
defineOp({
  name: 'nn.After',
  infer: ({ x }) => ({ shape: x!.shape }),
  lower: (l) => {
    const { g } = l;
    const first = g.op('Slice', [l.reshape(l.in('other'), [l.shape('other').reduce((a, b) => a * b, 1)]), g.int64([0]), g.int64([1])]);
    const one = g.op('Where', [g.op('Equal', [first, first]), g.scalar(1), g.scalar(1)]);
    return g.op('Mul', [l.in('x'), g.op('Reshape', [one, g.int64([])])]);
  },
});
