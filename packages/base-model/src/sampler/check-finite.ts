import type { HostTensor } from '@controllab/tfjs-onnx';
import { BaseModelError } from '../errors.ts';

/**
 * Stops where a network gave what is no number: it would become a black picture.
 * @param what names tensor and step, as the start of a sentence
 * @throws BaseModelError not-finite with how many values there are and where the first lies
 */
export function checkFinite(what: string, { data, shape }: Pick<HostTensor, 'data' | 'shape'>): void {
  const first = data.findIndex((value) => !Number.isFinite(value));
  if (first < 0) return;
  let count = 0;
  for (const value of data) if (!Number.isFinite(value)) count++;
  const place = shape.map((side, axis) => Math.floor(first / shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % side);
  throw new BaseModelError(
    'not-finite',
    `${what} is not finite: ${count} of ${data.length} values, the first ${data[first]} at [${place.join(', ')}]. The weights are damaged, or left their range.`,
    { count, place },
  );
}
