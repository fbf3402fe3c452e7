import * as tf from '@tensorflow/tfjs';
import { compile } from '@controllab/tfjs-onnx';
import { round } from './statistics.ts';
import { numbers } from './unet.ts';

/** Several products in a row, so that copying the result out of ONNX Runtime does not count against the product. */
const CHAIN = 8;

/**
 * GFLOPS of the fastest of `repeats` runs of square matrix products in ONNX Runtime, by size.
 * The right-hand matrix is constant, which lets ONNX Runtime pack it once: no product can be faster here.
 */
export async function measureCeiling(sizes: readonly number[], threads: number, repeats: number): Promise<Record<string, number>> {
  const gflops: Record<string, number> = {};
  for (const n of sizes) {
    const shape = [n, n];
    // Variance 1 / n in the constant keeps the values' scale through the chain.
    const constants = { b: numbers('b', { shape }, Math.sqrt(3 / n)) };
    const product = await compile(
      ({ inputs, constants: { b } }) => {
        let y = inputs['a'] as tf.Tensor2D;
        for (let i = 0; i < CHAIN; i++) y = tf.matMul(y, b as tf.Tensor2D);
        return { outputs: { y } };
      },
      { inputs: { a: { shape } }, constants },
      { threads },
    );
    const inputs = { a: numbers('a', { shape }, 1) };
    let best = Infinity;
    for (let i = 0; i < repeats; i++) {
      const start = performance.now();
      await product.run(inputs);
      best = Math.min(best, performance.now() - start);
    }
    await product.release();
    gflops[n] = round((2 * CHAIN * n ** 3) / best / 1e6);
  }
  return gflops;
}
