import type { Node } from '../graph.ts';
import type { Padding } from '../nn/conv2d.ts';
import { sizeOf, type Shape } from '../types.ts';
import { defineOp, type Lowering } from './definition.ts';
import { fusedMatMul } from './matmul.ts';

/** Everything a convolution's three lowerings need; H x W in, OH x OW out. */
export interface ConvGeometry {
  n: number;
  c: number;
  h: number;
  w: number;
  o: number;
  oh: number;
  ow: number;
  kernel: [number, number];
  stride: number;
  padding: Padding;
}

export function convGeometry(x: Shape, weight: Shape, stride: number, padding: Padding): ConvGeometry {
  const [n, c, h, w] = x as [number, number, number, number];
  const [o, , kh, kw] = weight as [number, number, number, number];
  const [top, left, bottom, right] = padding;
  const oh = Math.floor((h + top + bottom - kh) / stride) + 1;
  const ow = Math.floor((w + left + right - kw) / stride) + 1;
  if (oh < 1 || ow < 1) throw new Error(`kernel ${kh}x${kw} does not fit ${h}x${w} padded by ${padding.join()}`);
  return { n, c, h, w, o, oh, ow, kernel: [kh, kw], stride, padding };
}

const positions = (g: ConvGeometry): number => g.kernel[0] * g.kernel[1];
const isPointwise = (g: ConvGeometry): boolean => positions(g) === 1 && g.stride === 1 && g.padding.every((p) => p === 0);

/** A k x k permutation matrix: the identity, or the exchange matrix that reverses. */
function permutation(l: Lowering, k: number, reverse: boolean): string {
  const matrix = new Float32Array(k * k);
  for (let i = 0; i < k; i++) matrix[i * k + (reverse ? k - 1 - i : i)] = 1;
  return l.g.constant(matrix, [k, k]);
}

/**
 * The transposed kernel turned by 180 degrees, [C, O, kh, kw]. A product with the exchange matrix reverses the positions:
 * ONNX Runtime's Gather and strided Slice copy single numbers, at a fifth of the speed.
 */
function turnedTranspose(l: Lowering, weight: string, g: ConvGeometry): string {
  const k = positions(g);
  if (k === 1) return l.transpose(weight, [1, 0, 2, 3]);
  const reversed = l.g.op('MatMul', [l.reshape(weight, [g.o * g.c, k]), permutation(l, k, true)]);
  return l.transpose(l.reshape(reversed, [g.o, g.c, ...g.kernel]), [1, 0, 2, 3]);
}

/** [B, k, M] to [B, M, k], reversing the positions on demand: ten times faster as a product than as a Transpose. */
const positionsLast = (l: Lowering, x: string, k: number, reverse: boolean): string =>
  fusedMatMul(l, x, permutation(l, k, reverse), 3, { transA: true });

/**
 * A convolution of x [N, C, ...lengths] whose padding may be negative, which ONNX Runtime refuses: those rows are cut off first.
 * @param pads of every axis at its begin, then of every axis at its end
 */
function croppingConv(
  l: Lowering,
  x: string,
  kernel: string,
  lengths: readonly number[],
  pads: readonly number[],
  attributes: { kernel_shape: readonly number[]; dilations?: readonly number[] },
): string {
  const rank = lengths.length;
  const axes = lengths.flatMap((_, i) => (pads[i]! < 0 || pads[rank + i]! < 0 ? [i] : []));
  const cut =
    axes.length === 0
      ? x
      : l.g.op('Slice', [
          x,
          l.g.int64(axes.map((i) => Math.max(0, -pads[i]!))),
          l.g.int64(axes.map((i) => lengths[i]! - Math.max(0, -pads[rank + i]!))),
          l.g.int64(axes.map((i) => i + 2)),
        ]);
  return l.g.op('Conv', [cut, kernel], { pads: pads.map((p) => Math.max(0, p)), ...attributes });
}

export function lowerConv(l: Lowering, x: string, weight: string, bias: string | null, g: ConvGeometry): string {
  return l.g.op('Conv', bias === null ? [x, weight] : [x, weight, bias], {
    pads: g.padding,
    kernel_shape: g.kernel,
    strides: [g.stride, g.stride],
  });
}

/** dL/dx: a convolution with the flipped, transposed weights; ConvTranspose (slower on CPU) only where the stride forces it. */
export function lowerConvInputGrad(l: Lowering, dy: string, weight: string, g: ConvGeometry): string {
  const [kh, kw] = g.kernel;
  const [top, left, bottom, right] = g.padding;
  if (g.stride === 1) {
    const pads = [kh - 1 - top, kw - 1 - left, kh - 1 - bottom, kw - 1 - right];
    return croppingConv(l, dy, turnedTranspose(l, weight, g), [g.oh, g.ow], pads, { kernel_shape: g.kernel });
  }
  const rest = [g.h - ((g.oh - 1) * g.stride + kh - top - bottom), g.w - ((g.ow - 1) * g.stride + kw - left - right)];
  return l.g.op('ConvTranspose', [dy, weight], {
    pads: g.padding,
    kernel_shape: g.kernel,
    strides: [g.stride, g.stride],
    output_padding: rest,
  });
}

/**
 * dL/dw as products, for graphics cards: ONNX Runtime's 3-D convolution has no fast kernel there. A product for each sample, and their sum:
 * of one product over all samples and places few threads would each have a long way to go.
 */
function productWeightGrad(l: Lowering, x: string, dy: string, g: ConvGeometry): string {
  const { n, c, o, oh, ow, stride, padding } = g;
  const [kh, kw] = g.kernel;
  const padded = padding.some((p) => p > 0)
    ? l.g.op('Pad', [x, l.g.int64([0, 0, padding[0], padding[1], 0, 0, padding[2], padding[3]])])
    : x;
  const last = l.transpose(padded, [0, 2, 3, 1]);
  const shifted = (i: number, j: number): string =>
    l.g.op('Slice', [
      last,
      l.g.int64([i, j]),
      l.g.int64([i + (oh - 1) * stride + 1, j + (ow - 1) * stride + 1]),
      l.g.int64([1, 2]),
      l.g.int64([stride, stride]),
    ]);
  const joined = (parts: readonly string[]): string => (parts.length === 1 ? parts[0]! : l.g.op('Concat', parts, { axis: 3 }));
  // Row by row: WebGPU's kernels have few buffers.
  const rows = Array.from({ length: kh }, (_, i) => joined(Array.from({ length: kw }, (__, j) => shifted(i, j))));
  const columns = l.reshape(joined(rows), [n, oh * ow, kh * kw * c]);
  const each = l.g.op('MatMul', [l.reshape(dy, [n, o, oh * ow]), columns]);
  const sum = n === 1 ? each : l.g.op('ReduceSum', [each, l.g.int64([0])], { keepdims: 0 });
  return l.reshape(l.transpose(l.reshape(sum, [o, kh * kw, c]), [0, 2, 1]), [o, c, kh, kw]);
}

/**
 * dL/dw as a 3-D convolution: batch becomes the input channels, channels a third spatial axis, dy the kernel.
 * ONNX Runtime then does the im2col inside its GEMM; about twice the speed of im2col + MatMul.
 */
export function lowerConvWeightGrad(l: Lowering, x: string, dy: string, g: ConvGeometry): string {
  const { n, c, h, w, o, oh, ow, stride } = g;
  const [kh, kw] = g.kernel;
  const [top, left, bottom, right] = g.padding;
  if (l.provider !== 'cpu') return productWeightGrad(l, x, dy, g);
  if (isPointwise(g)) {
    const a = l.reshape(l.transpose(dy, [1, 0, 2, 3]), [o, n * oh * ow]);
    const b = l.reshape(l.transpose(x, [0, 2, 3, 1]), [n * h * w, c]);
    return l.reshape(l.g.op('MatMul', [a, b]), [o, c, 1, 1]);
  }
  if (stride === 1 && c > o) {
    // im2col is done on the first operand: let it be the one with fewer channels. The result is turned by 180 degrees.
    const d = l.reshape(l.transpose(dy, [0, 2, 3, 1]), [1, n, oh, ow, o]);
    const kernel = l.reshape(l.transpose(x, [1, 0, 2, 3]), [c, n, h, w, 1]);
    const pads = [kh - 1 - top, kw - 1 - left, 0, kh - 1 - bottom, kw - 1 - right, 0];
    const out = croppingConv(l, d, kernel, [oh, ow, o], pads, { kernel_shape: [h, w, 1] });
    return l.transpose(l.reshape(positionsLast(l, l.reshape(out, [c, kh * kw, o]), kh * kw, true), [c, o, kh, kw]), [1, 0, 2, 3]);
  }
  const input = l.reshape(l.transpose(x, [0, 2, 3, 1]), [1, n, h, w, c]);
  const kernel = l.reshape(l.transpose(dy, [1, 0, 2, 3]), [o, n, oh, ow, 1]);
  // The forward stride is a dilation here; of rows that no window used, the end padding is negative.
  const endH = kh - 1 - (h + top - ((oh - 1) * stride + 1));
  const endW = kw - 1 - (w + left - ((ow - 1) * stride + 1));
  const out = croppingConv(l, input, kernel, [h, w, c], [top, left, 0, endH, endW, 0], {
    kernel_shape: [oh, ow, 1],
    dilations: [stride, stride, 1],
  });
  return l.reshape(positionsLast(l, l.reshape(out, [o, kh * kw, c]), kh * kw, false), [o, c, kh, kw]);
}

interface ConvAttributes {
  stride: number;
  padding: Padding;
}

const convMacs = (outputs: Shape, weight: Shape): number => sizeOf(outputs) * sizeOf(weight.slice(1));

defineOp<ConvAttributes>({
  name: 'nn.Conv2d',
  infer: ({ x, weight }, { stride, padding }) => {
    const g = convGeometry(x!.shape, weight!.shape, stride, padding);
    return { shape: [g.n, g.o, g.oh, g.ow] };
  },
  lower: (l, { stride, padding }) =>
    lowerConv(
      l,
      l.in('x'),
      l.in('weight'),
      l.has('bias') ? l.in('bias') : null,
      convGeometry(l.shape('x'), l.shape('weight'), stride, padding),
    ),
  macs: (node: Node) => convMacs(node.outputs[0]!.shape, node.inputs['weight']!.shape),
});

defineOp<ConvAttributes & { inputShape: number[] }>({
  name: 'nn.Conv2dInputGrad',
  infer: (_, { inputShape }) => ({ shape: inputShape }),
  lower: (l, { stride, padding, inputShape }) =>
    lowerConvInputGrad(l, l.in('dy'), l.in('weight'), convGeometry(inputShape, l.shape('weight'), stride, padding)),
  macs: (node: Node) => convMacs(node.inputs['dy']!.shape, node.inputs['weight']!.shape),
});

defineOp<ConvAttributes & { weightShape: number[] }>({
  name: 'nn.Conv2dWeightGrad',
  infer: (_, { weightShape }) => ({ shape: weightShape }),
  lower: (l, { stride, padding, weightShape }) =>
    lowerConvWeightGrad(l, l.in('x'), l.in('dy'), convGeometry(l.shape('x'), weightShape, stride, padding)),
  macs: (node: Node) => convMacs(node.inputs['dy']!.shape, node.outputs[0]!.shape),
});

/** Gradient of a convolution's bias, and of anything broadcast over batch and space. */
defineOp({
  name: 'nn.ChannelSum',
  infer: ({ dy }) => ({ shape: [dy!.shape[1]!] }),
  lower: (l) => {
    const [n, c, h, w] = l.shape('dy') as [number, number, number, number];
    // Two reductions over contiguous axes are faster than one over the outer and inner axes.
    const perImage = l.g.op('ReduceSum', [l.reshape(l.in('dy'), [n, c, h * w]), l.g.int64([2])], { keepdims: 0 });
    return l.g.op('ReduceSum', [perImage, l.g.int64([0])], { keepdims: 0 });
  },
});
