import { defineOp } from './definition.ts';

defineOp({
  name: 'nn.UpsampleNearest2x',
  infer: ({ x }) => {
    const [n, c, h, w] = x!.shape as [number, number, number, number];
    return { shape: [n, c, 2 * h, 2 * w] };
  },
  lower: (l) => {
    // ONNX Runtime's Expand copies number by number here. Its Resize has a kernel for just this, in blocked layout too.
    if (l.provider === 'cpu')
      return l.g.op('Resize', [l.in('x'), '', l.g.constant(Float32Array.of(1, 1, 2, 2), [4])], {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      });
    const [n, c, h, w] = l.shape('x') as [number, number, number, number];
    const repeated = l.g.op('Expand', [l.reshape(l.in('x'), [n * c, h, 1, w, 1]), l.g.int64([n * c, h, 2, w, 2])]);
    return l.reshape(repeated, [n, c, 2 * h, 2 * w]);
  },
});

defineOp({
  name: 'nn.UpsampleNearest2xGrad',
  infer: ({ dy }) => {
    const [n, c, h, w] = dy!.shape as [number, number, number, number];
    return { shape: [n, c, h / 2, w / 2] };
  },
  // The sum over each 2x2 block, as four times its average: pooling is vectorised, a reduction over two inner axes is not.
  lower: (l) => l.g.op('Mul', [l.g.op('AveragePool', [l.in('dy')], { kernel_shape: [2, 2], strides: [2, 2] }), l.g.scalar(4)]),
});
