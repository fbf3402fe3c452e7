import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { adamw, nn, OPTIMIZER_SCOPE, profileRuns, scalar, timeByPart, timeBySize, trace, valueAndGrads, withScope } from '../index.ts';
import type { KernelTime } from './profile-runs.ts';
import { partOf, PROFILE_PARTS } from './attribution.ts';

/** Two convolutions, a norm and a product, trained: with gradients and the optimizer. */
const shapes = { w1: [8, 3, 3, 3], w2: [8, 8, 3, 3], gamma: [8], beta: [8], dense: [5, 8] };
const state = Object.fromEntries(
  ['p', 'm', 'v'].flatMap((kind) => Object.entries(shapes).map(([name, shape]) => [`${kind}:${name}`, { shape }])),
);
const scalars = { lr: { shape: [] }, c1: { shape: [] }, c2: { shape: [] } };
const signature = { inputs: { x: { shape: [2, 3, 8, 8] }, ...scalars }, state };

const step: Parameters<typeof trace>[0] = ({ inputs, state: before }) => {
  const pick = (kind: string) => Object.fromEntries(Object.keys(shapes).map((name) => [name, before[`${kind}:${name}`]!]));
  const params = pick('p');
  const { value, grads } = valueAndGrads(() => {
    const first = nn.conv2d(inputs['x']!, params['w1']!, null, { padding: 1 });
    const normal = nn.groupNorm(first, params['gamma']!, params['beta']!, 2, 1e-5, { silu: true });
    const second = nn.conv2d(normal, params['w2']!, null, { padding: 1, stride: 2 });
    return tf.mean(tf.square(nn.linear(tf.mean(second, [2, 3]), params['dense']!, null))) as tf.Scalar;
  }, params);
  const schedule = {
    learningRate: inputs['lr'] as tf.Scalar,
    biasCorrection1: inputs['c1'] as tf.Scalar,
    biasCorrection2: inputs['c2'] as tf.Scalar,
  };
  const next = withScope(OPTIMIZER_SCOPE, () => adamw(params, grads, pick('m'), pick('v'), schedule));
  const named = (kind: string, tensors: tf.NamedTensorMap) =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${kind}:${name}`, tensor]));
  return { outputs: { loss: value }, state: { ...named('p', next.params), ...named('m', next.m), ...named('v', next.v) } };
};

const filled = (shape: readonly number[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return { data: Float32Array.from({ length: size }, (_, i) => Math.sin(i + 1)), shape: [...shape] };
};

describe('profileRuns', () => {
  it('tells the parts of a training step, which add up to its time, and the sizes of its convolutions', async () => {
    let called = 0;
    const profile = await profileRuns(
      step,
      signature,
      (compiled, run) => {
        called++;
        if (run === 0) compiled.state = Object.fromEntries(Object.entries(state).map(([name, { shape }]) => [name, filled(shape)]));
        return compiled.run({ x: filled([2, 3, 8, 8]), lr: scalar(1e-3), c1: scalar(10), c2: scalar(1000) });
      },
      { runs: 3, warmUp: 1, threads: 1 },
    );
    expect([called, profile.calls.length]).toEqual([4, 3]);
    const parts = timeByPart(profile);
    expect(Object.keys(parts)).toEqual([...PROFILE_PARTS]);
    const total = Object.values(parts).reduce((a, b) => a + b, 0);
    expect(total).toBeCloseTo(profile.calls.reduce((a, b) => a + b, 0) / 3, 6);
    for (const part of ['convolutions', 'matrix products', 'normalisation', 'elementwise and sums', 'optimizer', 'between nodes'] as const)
      expect(parts[part], part).toBeGreaterThan(0);
    expect(parts.attention).toBe(0);

    const sizes = Object.fromEntries(timeBySize(profile).map(({ op, size, count, macs }) => [`${op} ${size}`, [count, macs]]));
    // Multiply-accumulates by hand: images x outputs x positions x inputs of a kernel. The picture has no gradient.
    expect(sizes).toEqual({
      'Conv2d 3×3, 3 to 8 channels, 8×8': [1, 2 * 8 * 64 * 27],
      'Conv2dWeightGrad 3×3, 3 to 8 channels, 8×8': [1, 2 * 8 * 64 * 27],
      'Conv2d 3×3, 8 to 8 channels, 4×4, stride 2': [1, 2 * 8 * 16 * 72],
      'Conv2dInputGrad 3×3, 8 to 8 channels, 4×4, stride 2': [1, 2 * 8 * 16 * 72],
      'Conv2dWeightGrad 3×3, 8 to 8 channels, 4×4, stride 2': [1, 2 * 8 * 16 * 72],
      'Linear 2×8 by 5×8': [1, 2 * 5 * 8],
      'LinearInputGrad 2×5 by 5×8': [1, 2 * 5 * 8],
      'LinearWeightGrad 2×8 by 2×5': [1, 2 * 5 * 8],
    });
  });

  it('knows nodes again that ONNX Runtime has fused or blocked: weights that are constants', async () => {
    const { kernels } = await profileRuns(
      ({ inputs, constants }) => ({ outputs: { y: nn.silu(nn.conv2d(inputs['x']!, constants['w']!, null, { padding: 1 })) } }),
      { inputs: { x: { shape: [1, 16, 8, 8] } }, constants: { w: filled([16, 16, 3, 3]) } },
      (compiled) => compiled.run({ x: filled([1, 16, 8, 8]) }),
      { runs: 1 },
    );
    const convolution = kernels.find(({ operator }) => operator === 'Conv')!;
    expect([convolution.source?.op, partOf(convolution)]).toEqual(['nn.Conv2d', 'convolutions']);
  });
});

describe('partOf', () => {
  const graph = trace(step, signature);
  const named = (op: string) => graph.nodes.find((node) => node.op === op)!;
  const part = (operator: string, op: string | null, inputs: number[][] = []): string =>
    partOf({ operator, source: op === null ? null : named(op), inputs, ms: 1 } satisfies KernelTime);

  it.each([
    ['Transpose', 'nn.Conv2dWeightGrad', [], 'layout and copies'],
    ['ReorderInput', null, [], 'layout and copies'],
    // A kernel's nine positions are turned by a product; a convolution by im2col is one too.
    ['MatMul', 'nn.Conv2dInputGrad', [[64, 9]], 'layout and copies'],
    ['FusedMatMul', 'nn.Conv2dWeightGrad', [[8, 9, 8]], 'layout and copies'],
    ['MatMul', 'nn.Conv2dInputGrad', [[8, 72]], 'convolutions'],
    ['ReduceSum', 'nn.GroupNormGrad', [], 'normalisation'],
    ['Gemm', 'nn.Linear', [], 'matrix products'],
    ['Mul', 'nn.AdamW', [], 'optimizer'],
    ['AveragePool', null, [], 'elementwise and sums'],
  ])('counts %s of %s with %j among %s', (operator, op, inputs, expected) => expect(part(operator, op, inputs)).toBe(expected));
});
