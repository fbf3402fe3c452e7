import { OPS } from '../ops/index.ts';
import type { Node } from '../graph.ts';
import type { Shape } from '../types.ts';
import type { KernelTime, RunProfile } from './profile-runs.ts';

/** Where the time of a run goes. */
export const PROFILE_PARTS = [
  'convolutions',
  'matrix products',
  'attention',
  'normalisation',
  'elementwise and sums',
  'optimizer',
  'layout and copies',
  'between nodes',
  'outside ONNX Runtime',
] as const;
export type ProfilePart = (typeof PROFILE_PARTS)[number];

/** ONNX operators that compute nothing. ReorderInput and ReorderOutput are ONNX Runtime's own, to and from blocks of channels. */
const LAYOUT = new Set([
  ...['Transpose', 'Reshape', 'Concat', 'Split', 'Slice', 'Gather', 'Expand', 'Tile', 'Pad', 'Identity', 'Cast', 'Squeeze', 'Unsqueeze'],
  ...['ReorderInput', 'ReorderOutput', 'MemcpyToHost', 'MemcpyFromHost'],
]);
const CONVOLUTIONS = new Set(['Conv', 'FusedConv', 'ConvTranspose']);
const PRODUCTS = new Set(['MatMul', 'FusedMatMul', 'Gemm', 'FusedGemm', 'Einsum']);
/** The scope of optimizers, whatever ops they are made of. */
export const OPTIMIZER_SCOPE = 'optimizer';

const isConvolution = (source: Node | null): source is Node => source !== null && /Conv2D/i.test(source.op);

/** The weight of a recorded convolution, or of the one that it is the gradient of; empty for an op that names it otherwise. */
const weightOf = ({ inputs, attributes }: Node): Shape => inputs['weight']?.shape ?? (attributes['weightShape'] as Shape | undefined) ?? [];

/** Whether a product inside a convolution brings the positions of a kernel into another order (ops/conv.ts): it computes nothing. */
function movesPositions(source: Node, inputs: readonly Shape[]): boolean {
  const [kh = 1, kw = 1] = weightOf(source).slice(2);
  return kh * kw > 1 && (inputs[0] ?? []).slice(-2).includes(kh * kw);
}

/** The part that a node of ONNX Runtime's belongs to: by what was recorded and, where that says too little, by its operator. */
export function partOf({ operator, source, inputs }: KernelTime): ProfilePart {
  const op = source?.op ?? '';
  if (op === 'nn.AdamW' || source?.scope.split('.').includes(OPTIMIZER_SCOPE)) return 'optimizer';
  if (LAYOUT.has(operator)) return 'layout and copies';
  if (op.startsWith('nn.Attention')) return 'attention';
  if (/^nn\.(Group|Layer)Norm/.test(op)) return 'normalisation';
  if (CONVOLUTIONS.has(operator)) return 'convolutions';
  if (PRODUCTS.has(operator)) {
    if (!isConvolution(source)) return 'matrix products';
    return movesPositions(source, inputs) ? 'layout and copies' : 'convolutions';
  }
  return isConvolution(source) && !/Sum/.test(operator) ? 'layout and copies' : 'elementwise and sums';
}

/** Milliseconds of a run by part; they add up to the mean call. */
export function timeByPart({ calls, sessionMs, kernels }: RunProfile): Record<ProfilePart, number> {
  const parts = Object.fromEntries(PROFILE_PARTS.map((part) => [part, 0])) as Record<ProfilePart, number>;
  for (const kernel of kernels) parts[partOf(kernel)] += kernel.ms;
  parts['between nodes'] = sessionMs - kernels.reduce((sum, { ms }) => sum + ms, 0);
  parts['outside ONNX Runtime'] = calls.reduce((a, b) => a + b, 0) / calls.length - sessionMs;
  return parts;
}

/** Nodes of one kind that compute with shapes of one size. */
export interface SizeTime {
  /** What was recorded, without its package: "Conv2dWeightGrad". */
  readonly op: string;
  /** For a person, e.g. "3×3, 64 to 128 channels, 16×16", or of a product's operands "8×256×64 by 64×64". */
  readonly size: string;
  readonly count: number;
  /** Of a run: of the products and convolutions themselves, without what brings their operands into order. */
  readonly ms: number;
  /** Multiply-accumulates of a run. */
  readonly macs: number;
}

/** The geometry of a recorded convolution or its gradient: that of the forward convolution. */
function convolutionSize(source: Node): string {
  const { op, inputs, attributes, outputs } = source;
  const weight = weightOf(source);
  const image = (inputs['x']?.shape ?? attributes['inputShape'] ?? []) as readonly number[];
  const out = inputs['dy']?.shape ?? outputs[0]!.shape;
  if (weight.length !== 4 || image.length !== 4) return op;
  const [o, c, kh, kw] = weight;
  const stride = Math.round(image[2]! / out[2]!);
  return `${kh}×${kw}, ${c} to ${o} channels, ${out[2]}×${out[3]}${stride === 1 ? '' : `, stride ${stride}`}`;
}

const productSize = ({ inputs }: Node): string =>
  Object.values(inputs)
    .slice(0, 2)
    .map(({ shape }) => shape.join('×'))
    .join(' by ');

/** Convolutions and matrix products by what they are the gradient of and by size, the longest first. */
export function timeBySize({ kernels }: RunProfile): SizeTime[] {
  const sizes = new Map<string, { -readonly [key in keyof SizeTime]: SizeTime[key] }>();
  const counted = new Set<Node>();
  for (const kernel of kernels) {
    const { source, ms } = kernel;
    const part = partOf(kernel);
    if (source === null || (part !== 'convolutions' && part !== 'matrix products')) continue;
    const op = source.op.replace(/^nn\./, '');
    const size = part === 'convolutions' ? convolutionSize(source) : productSize(source);
    const entry = sizes.get(`${op} ${size}`) ?? { op, size, count: 0, ms: 0, macs: 0 };
    sizes.set(`${op} ${size}`, entry);
    entry.ms += ms;
    if (counted.has(source)) continue;
    counted.add(source);
    entry.count++;
    entry.macs += OPS.get(source.op)?.macs?.(source) ?? 0;
  }
  return [...sizes.values()].sort((a, b) => b.ms - a.ms);
}
