import { causalMask } from '../nn/attention.ts';
import type { Node } from '../graph.ts';
import { float } from '../onnx/builder.ts';
import { sizeOf, type Shape } from '../types.ts';
import { defineOp, type Lowering } from './definition.ts';
import { fusedMatMul } from './matmul.ts';

interface AttentionAttributes {
  numHeads: number;
  causal: boolean;
}

interface Dims {
  n: number;
  t: number;
  s: number;
  heads: number;
  d: number;
}

const dims = (q: Shape, k: Shape, heads: number): Dims => ({ n: q[0]!, t: q[1]!, s: k[1]!, heads, d: q[2]! / heads });
const split = (l: Lowering, x: string, { n, heads, d }: Dims, length: number): string =>
  l.transpose(l.reshape(x, [n, length, heads, d]), [0, 2, 1, 3]);
const merge = (l: Lowering, x: string, { n, heads, d }: Dims, length: number): string =>
  l.reshape(l.transpose(x, [0, 2, 1, 3]), [n, length, heads * d]);

/** Outputs the merged result and, for the gradient, the attention weights [N, heads, T, S] and the result per head. */
defineOp<AttentionAttributes>({
  name: 'nn.Attention',
  infer: ({ q, k }, { numHeads }) => {
    const { n, t, s, heads, d } = dims(q!.shape, k!.shape, numHeads);
    return [{ shape: q!.shape }, { shape: [n, heads, t, s] }, { shape: [n, heads, t, d] }];
  },
  lower: (l, { numHeads, causal }) => {
    const a = dims(l.shape('q'), l.shape('k'), numHeads);
    // ONNX Runtime's CPU kernel computes tile by tile and never holds the weights, which at 64 x 64 latents are half a gigabyte. That of
    // WebGPU is off by a hundredth of the values (ONNX Runtime 1.30, SwiftShader).
    if (l.provider === 'cpu' && !causal && !l.used(1) && !l.used(2))
      return l.g.microsoft('MultiHeadAttention', [l.in('q'), l.in('k'), l.in('v')], {
        num_heads: numHeads,
        scale: float(1 / Math.sqrt(a.d)),
      });
    let scores = fusedMatMul(l, split(l, l.in('q'), a, a.t), split(l, l.in('k'), a, a.s), 4, { transB: true, alpha: 1 / Math.sqrt(a.d) });
    if (causal) scores = l.g.op('Add', [scores, l.g.constant(causalMask(a.t, a.s), [a.t, a.s])]);
    const weights = l.g.op('Softmax', [scores], { axis: -1 });
    const out = l.g.op('MatMul', [weights, split(l, l.in('v'), a, a.s)]);
    return [merge(l, out, a, a.t), weights, out];
  },
  macs: (node: Node) => 2 * sizeOf(node.inputs['q']!.shape) * node.inputs['k']!.shape[1]!,
});

defineOp<AttentionAttributes>({
  name: 'nn.AttentionGrad',
  infer: ({ q, k, v }) => [{ shape: q!.shape }, { shape: k!.shape }, { shape: v!.shape }],
  lower: (l, { numHeads }) => {
    const a = dims(l.shape('q'), l.shape('k'), numHeads);
    const alpha = 1 / Math.sqrt(a.d);
    const [q, dy] = [split(l, l.in('q'), a, a.t), split(l, l.in('dy'), a, a.t)];
    const [k, v] = [split(l, l.in('k'), a, a.s), split(l, l.in('v'), a, a.s)];
    const weights = l.in('weights');
    const dv = fusedMatMul(l, weights, dy, 4, { transA: true });
    const dWeights = fusedMatMul(l, dy, v, 4, { transB: true });
    // Softmax's backward needs rowsum(weights * dWeights), which equals rowsum(dy * out): d values instead of S.
    const rowSum = l.g.op('ReduceSum', [l.g.op('Mul', [dy, l.in('out')]), l.g.int64([3])], { keepdims: 1 });
    const dScores = l.g.op('Mul', [weights, l.g.op('Sub', [dWeights, rowSum])]);
    const dq = fusedMatMul(l, dScores, k, 4, { alpha });
    const dk = fusedMatMul(l, dScores, q, 4, { transA: true, alpha });
    return [merge(l, dq, a, a.t), merge(l, dk, a, a.s), merge(l, dv, a, a.s)];
  },
  macs: (node: Node) => 4 * sizeOf(node.inputs['q']!.shape) * node.inputs['k']!.shape[1]!,
});
