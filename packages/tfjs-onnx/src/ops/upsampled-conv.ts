import type { Node, Value } from '../graph.ts';
import { sizeOf, type Shape } from '../types.ts';
import { defineOp, type Lowering } from './definition.ts';
import { lowerConv, lowerConvWeightGrad, type ConvGeometry } from './conv.ts';

/*
 * A 3x3 convolution of a picture that nearest neighbours doubled reads every value of the small picture two or three times. Of a line with
 * taps w0 w1 w2, even places see [w0, w1 + w2] of two neighbours, odd ones [w0 + w1, w2]. So the small picture is convolved with four 2x2
 * kernels, 16 products where 36 were; its gradients are a convolution of stride 2 whose four taps a line are w2, w1 + w2, w0 + w1, w0.
 */

/** [2, 3]: what the two taps at even and at odd places are made of. */
const TAPS = [
  [1, 0, 0, 0, 1, 1],
  [1, 1, 0, 0, 0, 1],
] as const;
/** [4, 3]: the same of the four taps of the strided convolution. */
const STRIDED = [0, 0, 1, 0, 1, 1, 1, 1, 0, 1, 0, 0] as const;

/** [9, R C]: a product with it turns 3x3 kernels into R x C ones, rows made by `rows` [R, 3] and columns by `columns` [C, 3]. */
function kernelMap(l: Lowering, rows: readonly number[], columns: readonly number[], transposed = false): string {
  const [r, c] = [rows.length / 3, columns.length / 3];
  const map = new Float32Array(9 * r * c);
  for (let tap = 0; tap < 9; tap++)
    for (let place = 0; place < r * c; place++)
      map[transposed ? place * 9 + tap : tap * r * c + place] =
        rows[3 * Math.floor(place / c) + Math.floor(tap / 3)]! * columns[3 * (place % c) + (tap % 3)]!;
  return l.g.constant(map, transposed ? [r * c, 9] : [9, r * c]);
}

/** The four phases of a doubled picture, [N, O, H, W] each, as [N, O, 2H, 2W]. */
const interleave = (l: Lowering, phases: readonly string[]): string =>
  l.g.op('DepthToSpace', [l.g.op('Concat', phases, { axis: 1 })], { blocksize: 2, mode: 'DCR' });

/** The strided convolution from a picture [N, O, 2H, 2W] to [N, C, H, W]. */
const strided = ([n, c, h, w]: Shape, o: number): ConvGeometry => ({
  ...{ n: n!, c: o, h: 2 * h!, w: 2 * w!, o: c!, oh: h!, ow: w! },
  ...{ kernel: [4, 4], stride: 2, padding: [1, 1, 1, 1] },
});

/** Each place of the doubled picture [N, O, 2H, 2W] sees four of the small one's C channels. */
const macs = (doubledPicture: Shape, channels: number): number => 4 * sizeOf(doubledPicture) * channels;

defineOp({
  name: 'nn.UpsampledConv2d',
  infer: ({ x, weight }) => {
    const [n, , h, w] = x!.shape as [number, number, number, number];
    return { shape: [n, weight!.shape[0]!, 2 * h, 2 * w] };
  },
  lower: (l) => {
    const [n, c, h, w] = l.shape('x') as [number, number, number, number];
    const o = l.shape('weight')[0]!;
    const taps = l.reshape(l.in('weight'), [o * c, 9]);
    const phases = [0, 1, 2, 3].map((phase) => {
      const [below, right] = [phase >> 1, phase % 2] as [0 | 1, 0 | 1];
      const kernel = l.reshape(l.g.op('MatMul', [taps, kernelMap(l, TAPS[below], TAPS[right])]), [o, c, 2, 2]);
      return lowerConv(l, l.in('x'), kernel, l.has('bias') ? l.in('bias') : null, {
        ...{ n, c, h, w, o, oh: h, ow: w },
        ...{ kernel: [2, 2], stride: 1, padding: [1 - below, 1 - right, below, right] },
      });
    });
    return interleave(l, phases);
  },
  macs: ({ inputs, outputs }) => macs(outputs[0]!.shape, inputs['x']!.shape[1]!),
});

defineOp({
  name: 'nn.UpsampledConv2dInputGrad',
  infer: ({ dy, weight }) => {
    const [n, , h, w] = dy!.shape as [number, number, number, number];
    return { shape: [n, weight!.shape[1]!, h / 2, w / 2] };
  },
  lower: (l) => {
    const [o, c] = l.shape('weight') as [number, number];
    const taps = l.g.op('MatMul', [l.reshape(l.in('weight'), [o * c, 9]), kernelMap(l, STRIDED, STRIDED)]);
    const kernel = l.transpose(l.reshape(taps, [o, c, 4, 4]), [1, 0, 2, 3]);
    return lowerConv(l, l.in('dy'), kernel, null, strided(l.node.outputs[0]!.shape, o));
  },
  macs: ({ inputs, outputs }) => macs(inputs['dy']!.shape, outputs[0]!.shape[1]!),
});

defineOp({
  name: 'nn.UpsampledConv2dWeightGrad',
  infer: ({ x, dy }) => ({ shape: [dy!.shape[1]!, x!.shape[1]!, 3, 3] }),
  lower: (l) => {
    const [o, c] = l.node.outputs[0]!.shape as [number, number];
    const ofStrided = lowerConvWeightGrad(l, l.in('dy'), l.in('x'), strided(l.shape('x'), o));
    const taps = l.reshape(l.transpose(ofStrided, [1, 0, 2, 3]), [o * c, 16]);
    return l.reshape(l.g.op('MatMul', [taps, kernelMap(l, STRIDED, STRIDED, true)]), [o, c, 3, 3]);
  },
  macs: ({ inputs }) => macs(inputs['dy']!.shape, inputs['x']!.shape[1]!),
});

/** The operand of a node that doubles pictures, or null. */
const doubled = (value: Value | undefined): Value | null =>
  value?.source.kind === 'node' && value.source.node.op === 'nn.UpsampleNearest2x' ? value.source.node.inputs['x']! : null;

const isThreeByThree = ({ attributes: { stride, padding } }: Node, kernel: Shape): boolean =>
  kernel[2] === 3 && kernel[3] === 3 && stride === 1 && (padding as readonly number[]).every((p) => p === 1);

/** A node of a 3x3 convolution over a doubled picture, forward or backward, as one of the three above; any other as it is. */
export function upsampledConvolution(node: Node): Node {
  const { inputs } = node;
  if (node.op === 'nn.Conv2d' || node.op === 'nn.Conv2dWeightGrad') {
    const x = doubled(inputs['x']);
    if (x === null || !isThreeByThree(node, node.op === 'nn.Conv2d' ? inputs['weight']!.shape : node.outputs[0]!.shape)) return node;
    return { ...node, op: node.op.replace('nn.', 'nn.Upsampled'), inputs: { ...inputs, x } };
  }
  if (node.op !== 'nn.UpsampleNearest2xGrad') return node;
  const { source } = inputs['dy']!;
  if (source.kind !== 'node' || source.node.op !== 'nn.Conv2dInputGrad') return node;
  const { dy, weight } = source.node.inputs;
  if (!isThreeByThree(source.node, weight!.shape)) return node;
  return { ...node, op: 'nn.UpsampledConv2dInputGrad', inputs: { dy: dy!, weight: weight! }, attributes: source.node.attributes };
}
