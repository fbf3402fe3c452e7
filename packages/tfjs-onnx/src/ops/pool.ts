import { defineOp } from './definition.ts';

interface PoolAttributes {
  kernelSize: number;
  stride: number;
  padding: number;
}

// ONNX's average leaves padding out by default (count_include_pad 0).
for (const [name, onnx] of [
  ['nn.MaxPool2d', 'MaxPool'],
  ['nn.AvgPool2d', 'AveragePool'],
] as const) {
  defineOp<PoolAttributes>({
    name,
    infer: ({ x }, { kernelSize, stride, padding }) => {
      const [n, c, h, w] = x!.shape as [number, number, number, number];
      const length = (size: number) => Math.floor((size + 2 * padding - kernelSize) / stride) + 1;
      return { shape: [n, c, length(h), length(w)] };
    },
    lower: (l, { kernelSize, stride, padding }) =>
      l.g.op(onnx, [l.in('x')], {
        kernel_shape: [kernelSize, kernelSize],
        strides: [stride, stride],
        pads: [padding, padding, padding, padding],
      }),
  });
}
