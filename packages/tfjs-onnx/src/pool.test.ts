import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { compile, nn, trace } from './index.ts';

await tf.setBackend('cpu');

/** One image of two channels: 1..9, and minus that. */
const x = { data: Float32Array.from({ length: 18 }, (_, i) => (i < 9 ? i + 1 : 8 - i)), shape: [1, 2, 3, 3] };

async function run(f: (x: tf.Tensor) => tf.Tensor, engine: 'onnx' | 'tfjs'): Promise<{ shape: readonly number[]; data: number[] }> {
  const { y } = await (
    await compile(({ inputs }) => ({ outputs: { y: f(inputs['x']!) } }), { inputs: { x: { shape: x.shape } } }, { engine })
  ).run({ x });
  return { shape: y!.shape, data: [...y!.data] };
}

describe.each(['onnx', 'tfjs'] as const)('pooling (%s)', (engine) => {
  it('takes the mean of the values in a window, padding left out', async () => {
    const { shape, data } = await run((t) => nn.avgPool2d(t, 3, { padding: 1 }), engine);
    expect(shape).toEqual([1, 2, 3, 3]);
    // A corner's window holds 1, 2, 4, 5; counting the padding it would be 12 / 9.
    const means = [3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7];
    data.forEach((value, i) => expect(value).toBeCloseTo(i < 9 ? means[i]! : -means[i - 9]!, 6));
  });

  it('takes the largest value in a window, padding left out', async () => {
    // Zero padding would win over the second channel's negative values.
    expect(await run((t) => nn.maxPool2d(t, 3, { padding: 1 }), engine)).toEqual({
      shape: [1, 2, 3, 3],
      data: [5, 6, 6, 8, 9, 9, 8, 9, 9, -1, -1, -2, -1, -1, -2, -4, -4, -5],
    });
    expect(await run((t) => nn.maxPool2d(t, 2, { stride: 2 }), engine)).toEqual({ shape: [1, 2, 1, 1], data: [5, -1] });
    expect((await run((t) => nn.avgPool2d(t, 2, { stride: 2 }), engine)).data).toEqual([3, -3]);
  });
});

it('refuses windows that do not fit', () => {
  const tracing = (f: (t: tf.Tensor) => tf.Tensor) => () =>
    trace(({ inputs }) => ({ outputs: { y: f(inputs['x']!) } }), { inputs: { x: { shape: x.shape } } });
  expect(tracing((t) => nn.maxPool2d(t, 4))).toThrow(/nn\.maxPool2d: expected .* got x \[1, 2, 3, 3\], kernel 4, padding 0/);
  expect(tracing((t) => nn.avgPool2d(t, 2, { padding: 2 }))).toThrow(/padding of at most half the kernel/);
});
