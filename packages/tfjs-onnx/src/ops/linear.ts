import { sizeOf, type Shape } from '../types.ts';
import { defineOp } from './definition.ts';

const last = (shape: Shape): number => shape[shape.length - 1]!;
const rows = (shape: Shape): number => sizeOf(shape) / last(shape);
const flat = (shape: Shape): [number, number] => [rows(shape), last(shape)];

defineOp({
  name: 'nn.Linear',
  infer: ({ x, weight }) => ({ shape: [...x!.shape.slice(0, -1), weight!.shape[0]!] }),
  lower: (l) => {
    const x = l.reshape(l.in('x'), flat(l.shape('x')));
    const y = l.g.op('Gemm', l.has('bias') ? [x, l.in('weight'), l.in('bias')] : [x, l.in('weight')], { transB: 1 });
    return l.reshape(y, l.node.outputs[0]!.shape);
  },
  macs: (node) => sizeOf(node.outputs[0]!.shape) * node.inputs['weight']!.shape[1]!,
});

defineOp({
  name: 'nn.LinearInputGrad',
  infer: ({ dy, weight }) => ({ shape: [...dy!.shape.slice(0, -1), weight!.shape[1]!] }),
  lower: (l) => l.reshape(l.g.op('MatMul', [l.reshape(l.in('dy'), flat(l.shape('dy'))), l.in('weight')]), l.node.outputs[0]!.shape),
  macs: (node) => sizeOf(node.outputs[0]!.shape) * node.inputs['weight']!.shape[0]!,
});

defineOp({
  name: 'nn.LinearWeightGrad',
  infer: ({ x, dy }) => ({ shape: [last(dy!.shape), last(x!.shape)] }),
  lower: (l) => l.g.op('Gemm', [l.reshape(l.in('dy'), flat(l.shape('dy'))), l.reshape(l.in('x'), flat(l.shape('x')))], { transA: 1 }),
  macs: (node) => sizeOf(node.outputs[0]!.shape) * rows(node.inputs['x']!.shape),
});

/** Gradient of a linear layer's bias. */
defineOp({
  name: 'nn.RowSum',
  infer: ({ dy }) => ({ shape: [last(dy!.shape)] }),
  lower: (l) => l.g.op('ReduceSum', [l.reshape(l.in('dy'), flat(l.shape('dy'))), l.g.int64([0])], { keepdims: 0 }),
});
