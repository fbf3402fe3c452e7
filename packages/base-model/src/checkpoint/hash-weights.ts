import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { isExternal, type ExternalTensor } from '@controllab/tfjs-onnx';
import type { Weights } from '@controllab/core-blocks';
import { BaseModelError } from '../errors.ts';

/** Bytes read at a time. */
const CHUNK = 1 << 26;

/**
 * SHA-256 over names, dtypes, shapes and bytes of weights, in the order of names: the same for a tensor's bytes wherever they lie. Reads
 * gigabytes for a published model.
 * @throws BaseModelError invalid-model for a file that ends before its tensors do
 */
export function hashWeights(weights: Weights): string {
  const hash = createHash('sha256');
  const files = new Map<string, number>();
  const buffer = Buffer.alloc(CHUNK);
  const update = ({ file, offset, length }: ExternalTensor): void => {
    const descriptor = files.get(file) ?? openSync(file, 'r');
    files.set(file, descriptor);
    for (let done = 0; done < length;) {
      const read = readSync(descriptor, buffer, 0, Math.min(CHUNK, length - done), offset + done);
      if (read === 0)
        throw new BaseModelError('invalid-model', `${file} ends at byte ${offset + done}, within a tensor.`, { file, offset });
      hash.update(buffer.subarray(0, read));
      done += read;
    }
  };
  try {
    for (const name of Object.keys(weights).sort()) {
      const tensor = weights[name]!;
      hash.update(JSON.stringify([name, isExternal(tensor) ? tensor.dtype : 'float32', tensor.shape]));
      if (isExternal(tensor)) update(tensor);
      else hash.update(tensor.data);
    }
  } finally {
    for (const descriptor of files.values()) closeSync(descriptor);
  }
  return hash.digest('hex');
}
