import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { nn, valueAndGrads } from '../index.ts';
import { checkGradients, expectTensor, floats, results, wave } from '../testing/cases.ts';

await tf.setBackend('cpu');

const x = floats([5], [-100, -1, 0, 1, 100]);
const slope = (f: (x: tf.Tensor) => tf.Tensor) => (t: Record<string, tf.Tensor>) =>
  valueAndGrads(() => tf.sum(f(t['x']!)), { x: t['x']! }).grads['x']!;

describe.each(['onnx', 'tfjs'] as const)('activations (%s)', (engine) => {
  it('have the values and slopes of their formulas, far out too', async () => {
    const found = await results(
      {
        silu: { f: (t) => nn.silu(t['x']!), on: { x } },
        gelu: { f: (t) => nn.gelu(t['x']!), on: { x } },
        siluSlope: { f: slope(nn.silu), on: { x } },
        geluSlope: { f: slope(nn.gelu), on: { x } },
      },
      engine,
    );
    // 1 / (1 + 1/e) = 0.7310586; the normal distribution's cdf at 1 is 0.8413447, its density 0.2419707.
    expectTensor(found['silu'], [5], [0, -0.2689414, 0, 0.7310586, 100]);
    expectTensor(found['gelu'], [5], [0, -0.1586553, 0, 0.8413447, 100]);
    expectTensor(found['siluSlope'], [5], [0, 0.0723295, 0.5, 0.9276705, 1]);
    expectTensor(found['geluSlope'], [5], [0, -0.0833155, 0.5, 1.0833155, 1]);
  });

  it('are GELU with the exact erf, not the approximation by tanh', async () => {
    const { y } = await results({ y: { f: (t) => nn.gelu(t['x']!), on: { x: floats([1], [2]) } } }, engine);
    // tanh's would be 1.954598.
    expect(y!.data[0]).toBeCloseTo(1.9544997, 5);
  });
});

it('gradients are those of the function, of any rank', () =>
  checkGradients({
    silu: { f: (t) => nn.silu(tf.mul(t['x']!, 3)), on: { x: wave([2, 1, 3]) } },
    gelu: { f: (t) => nn.gelu(tf.mul(t['x']!, 3)), on: { x: wave([6], 2) } },
    scalar: { f: (t) => nn.silu(t['x']!), on: { x: wave([], 3) } },
    // What follows it changes dy.
    chain: { f: (t) => tf.square(nn.gelu(nn.silu(t['x']!))), on: { x: wave([4], 4) } },
  }));
