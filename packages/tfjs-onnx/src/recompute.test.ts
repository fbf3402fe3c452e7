import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { recomputed } from './index.ts';
import { deepStep, type DeepNetwork } from './testing/deep-network.ts';

await tf.setBackend('cpu');

const small = { blocks: 3, batch: 2, size: 6 };

describe('recomputed', () => {
  it.each(['onnx', 'tfjs'] as const)('gives the same loss and gradients, bit by bit: %s', async (engine) => {
    const kept = await deepStep({ ...small, recompute: false }, engine);
    const again = await deepStep({ ...small, recompute: true }, engine);
    expect(again).toEqual(kept);
    expect(kept.loss!.data[0]).toBeGreaterThan(0.1);
  });

  it('gives the gradients of f, and zeros for what f does not read', () => {
    const [x, y, unread] = [tf.tensor1d([1, 2, 3]), tf.scalar(4), tf.scalar(5)];
    const { value, grads } = tf
      .engine()
      .gradients(() => tf.sum(recomputed((a, b) => tf.mul(tf.square(a!), b!), [x, y, unread])) as tf.Scalar, [x, y, unread]);
    // d(sum x^2 y): 2 x y, and 1 + 4 + 9.
    expect(value.dataSync()[0]).toBe(56);
    expect([...grads.map((g) => [...g.dataSync()])]).toEqual([[8, 16, 24], [14], [0]]);
  });

  it.skipIf(process.platform !== 'linux')('keeps only what passes between blocks', async () => {
    const peak = async (recompute: boolean): Promise<number> => {
      const network: DeepNetwork = { blocks: 12, batch: 8, size: 128, recompute };
      const program = fileURLToPath(new URL('testing/deep-network.ts', import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, [
        '--conditions=controllab',
        '--import',
        'tsx',
        program,
        JSON.stringify(network),
      ]);
      return Number(stdout);
    };
    // 16.8 MB for each of the four tensors that a block's inside keeps: 12 blocks hold 800 MB, one holds 67 MB.
    expect((await peak(false)) - (await peak(true))).toBeGreaterThan(450);
  });
});
