import * as tf from '@tensorflow/tfjs';
import { nn, trace } from '@controllab/tfjs-onnx';
import { expect, it } from 'vitest';
import { activationBytes } from './activations.ts';

it('frees each result after its last use; views take nothing', () => {
  // a = [2, 8] (64 bytes), b = view of a, c = b + b (64), d = a * c (64), e = sum (4)
  const graph = trace(
    ({ inputs }) => {
      const a = tf.neg(inputs['x']!);
      const b = tf.reshape(a, [16]);
      const c = tf.add(b, b);
      const d = tf.mul(a, tf.reshape(c, [2, 8]));
      return { outputs: { e: tf.sum(d) } };
    },
    { inputs: { x: { shape: [2, 8] } } },
  );
  expect(activationBytes(graph)).toEqual({ sum: 3 * 64 + 4, peak: 3 * 64 });
});

it('does not count attention weights that nothing reads', () => {
  const spec = { shape: [1, 10, 4] };
  const graph = trace(({ inputs }) => ({ outputs: { y: nn.attention(inputs['q']!, inputs['k']!, inputs['v']!, 2) } }), {
    inputs: { q: spec, k: spec, v: spec },
  });
  const result = 4 * 10 * 4;
  expect(activationBytes(graph)).toEqual({ sum: result, peak: result });
});
