import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { compile, nn, recomputed, valueAndGrads, type HostTensor, type NamedTensors } from '../index.ts';

/** A chain of residual blocks whose insides are four times as wide as what passes between them. */
export interface DeepNetwork {
  blocks: number;
  batch: number;
  size: number;
  recompute: boolean;
}

const [WIDTH, INNER] = [8, 32];
const RATE = 0.1;

const weightsOf = (blocks: number): Record<string, HostTensor> => {
  const of = (shape: number[], seed: number): HostTensor => ({
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(seed + 1.7 * i) / 4),
    shape,
  });
  return Object.fromEntries(
    Array.from({ length: blocks }, (_, i) => [
      [`wide.${i}`, of([INNER, WIDTH, 3, 3], i)],
      [`scale.${i}`, of([INNER], i + 0.5)],
      [`narrow.${i}`, of([WIDTH, INNER, 1, 1], i + 0.2)],
    ]).flat() as [string, HostTensor][],
  );
};

const block = (x: tf.Tensor, wide: tf.Tensor, scale: tf.Tensor, narrow: tf.Tensor): tf.Tensor => {
  const h = nn.conv2d(x, wide, null, { padding: 1 });
  return tf.add(x, nn.conv2d(nn.groupNorm(h, scale, scale, 4, 1e-5, { silu: true }), narrow, null, {}));
};

/** Loss, and the weights after a step of gradient descent on one batch. */
export async function deepStep(
  { blocks, batch, size, recompute }: DeepNetwork,
  engine: 'onnx' | 'tfjs' = 'onnx',
): Promise<Record<string, HostTensor>> {
  const weights = weightsOf(blocks);
  const x = {
    data: Float32Array.from({ length: batch * WIDTH * size ** 2 }, (_, i) => Math.cos(0.3 * i)),
    shape: [batch, WIDTH, size, size],
  };
  const step = await compile(
    ({ inputs: { x: given, ...params } }) => {
      const { value: loss, grads } = valueAndGrads(() => {
        let h = given!;
        for (let i = 0; i < blocks; i++) {
          const own = [params[`wide.${i}`]!, params[`scale.${i}`]!, params[`narrow.${i}`]!] as const;
          h = recompute ? recomputed((a, b, c, d) => block(a!, b!, c!, d!), [h, ...own], 1) : block(h, ...own);
        }
        return tf.mean(tf.square(h));
      }, params as NamedTensors);
      const moved = Object.fromEntries(Object.entries(grads).map(([name, grad]) => [name, tf.sub(params[name]!, tf.mul(grad, RATE))]));
      return { outputs: { loss, ...moved } };
    },
    { inputs: Object.fromEntries(Object.entries({ x, ...weights }).map(([name, { shape }]) => [name, { shape }])) },
    { engine, threads: 1 },
  );
  const result = await step.run({ x, ...weights });
  await step.release();
  return result;
}

/** As a program: the high-water mark of its memory in MB, where the system tells it. */
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await deepStep(JSON.parse(process.argv[2]!) as DeepNetwork);
  console.log(Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1000);
}
