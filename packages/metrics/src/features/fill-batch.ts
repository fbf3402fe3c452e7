import type { HostTensor } from '@controllab/tfjs-onnx';
import { MetricsError } from '../errors.ts';

/**
 * A batch of the one size that a network was compiled for: the given rows, and zeros behind them. `shape`: [most rows, ...].
 * @throws MetricsError invalid-shape unless `batch` is [1 to most rows, ...]
 */
export function fillBatch(network: string, batch: HostTensor, shape: readonly number[]): { filled: HostTensor; count: number } {
  const [most, ...rest] = shape as [number, ...number[]];
  const [count, ...given] = batch.shape;
  if (count === undefined || count < 1 || count > most || given.join() !== rest.join()) {
    throw new MetricsError(
      'invalid-shape',
      `${network}: expected a batch of [1 to ${most}, ${rest.join(', ')}], got [${batch.shape.join(', ')}]`,
      { shape: batch.shape },
    );
  }
  if (count === most) return { filled: batch, count };
  const size = shape.reduce((a, b) => a * b, 1);
  const data = batch.data instanceof Int32Array ? new Int32Array(size) : new Float32Array(size);
  data.set(batch.data);
  return { filled: { data, shape }, count };
}
