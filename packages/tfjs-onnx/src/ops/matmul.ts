import * as tf from '@tensorflow/tfjs';
import type { Node } from '../graph.ts';
import { sizeOf, type Shape } from '../types.ts';
import { float } from '../onnx/builder.ts';
import { defineOp, type Lowering } from './definition.ts';

/**
 * alpha * op(a) op(b) of the last two axes. ONNX Runtime's FusedMatMul transposes inside its GEMM;
 * WebGPU has no such kernel, so there the transposes are written out.
 */
export function fusedMatMul(
  l: Lowering,
  a: string,
  b: string,
  rank: number,
  { transA = false, transB = false, alpha = 1 }: { transA?: boolean; transB?: boolean; alpha?: number },
): string {
  if (l.provider !== 'webgpu') {
    if (!transA && !transB && alpha === 1) return l.g.op('MatMul', [a, b]);
    return l.g.microsoft('FusedMatMul', [a, b], { transA: transA ? 1 : 0, transB: transB ? 1 : 0, alpha: float(alpha) });
  }
  const swap = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  const product = l.g.op('MatMul', [transA ? l.transpose(a, swap) : a, transB ? l.transpose(b, swap) : b]);
  return alpha === 1 ? product : l.g.op('Mul', [product, l.g.scalar(alpha)]);
}

interface MatMulAttributes {
  transposeA: boolean;
  transposeB: boolean;
}

/** Columns, or rows if transposed. */
const inner = (shape: Shape, transposed: boolean): number => shape[shape.length - (transposed ? 2 : 1)]!;

defineOp<MatMulAttributes>({
  name: 'BatchMatMul',
  infer: ({ a, b }, { transposeA, transposeB }) => {
    const r = a!.shape.length;
    const [left, right] = [inner(a!.shape, transposeA), inner(b!.shape, !transposeB)];
    if (left !== right) throw new Error(`inner sizes ${left} and ${right} differ`);
    const batch = tf.broadcast_util.assertAndGetBroadcastShape(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    return { shape: [...batch, a!.shape[transposeA ? r - 1 : r - 2]!, b!.shape[transposeB ? b!.shape.length - 2 : b!.shape.length - 1]!] };
  },
  lower: (l, { transposeA, transposeB }) => {
    const rank = Math.max(l.shape('a').length, l.shape('b').length);
    const lifted = (name: string): string => {
      const shape = l.shape(name);
      return l.reshape(l.in(name), [...Array<number>(rank - shape.length).fill(1), ...shape]);
    };
    return fusedMatMul(l, lifted('a'), lifted('b'), rank, { transA: transposeA, transB: transposeB });
  },
  macs: (node: Node) => sizeOf(node.outputs[0]!.shape) * inner(node.inputs['a']!.shape, node.attributes['transposeA'] === true),
});
