import os from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { compile } from './compile.ts';
import type { Provider } from './ops/index.ts';

/** Several products in a row, so that copying the result out of ONNX Runtime does not count against the product. */
const CHAIN = 8;

/**
 * What this machine (or its graphics card, with a `provider` of one) can do at most: GFLOPS of the fastest of `repeats` runs of float32
 * products of n x n matrices in ONNX Runtime.
 * The right-hand matrix is constant, which lets ONNX Runtime pack it once: no product can be faster here.
 */
export async function matmulCeiling(
  n: number,
  { threads = os.availableParallelism(), repeats = 10, provider = 'cpu' }: { threads?: number; repeats?: number; provider?: Provider } = {},
): Promise<number> {
  const shape = [n, n];
  // Entries of variance 1 / n in the constant keep the values' scale through the chain.
  const values = (scale: number): { data: Float32Array; shape: number[] } => ({
    data: Float32Array.from({ length: n * n }, (_, i) => scale * Math.sqrt(2) * Math.sin(i * i + 1)),
    shape,
  });
  const product = await compile(
    ({ inputs, constants: { b } }) => {
      let y = inputs['a'] as tf.Tensor2D;
      for (let i = 0; i < CHAIN; i++) y = tf.matMul(y, b as tf.Tensor2D);
      return { outputs: { y } };
    },
    { inputs: { a: { shape } }, constants: { b: values(n ** -0.5) } },
    { threads, provider, name: 'matrix product' },
  );
  const inputs = { a: values(1) };
  let best = Infinity;
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await product.run(inputs);
    best = Math.min(best, performance.now() - start);
  }
  await product.release();
  return (2 * CHAIN * n ** 3) / best / 1e6;
}
