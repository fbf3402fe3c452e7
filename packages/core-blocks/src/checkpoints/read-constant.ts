import { closeSync, openSync, readSync } from 'node:fs';
import type { ConstantTensor, HostTensor } from '@controllab/tfjs-onnx';
import { CoreBlocksError } from '../errors.ts';
import { decodeFloats } from './floats.ts';

/**
 * A constant as float32 on the host: read from its file where it was left in one. A tensor on the host is returned as it is, not copied.
 * @throws CoreBlocksError safetensors-invalid when the file is shorter than the tensor's place in it
 */
export function readConstant(tensor: ConstantTensor): HostTensor {
  if (!('file' in tensor)) return tensor;
  const { file, offset, length, shape, dtype } = tensor;
  const bytes = new Uint8Array(length);
  const descriptor = openSync(file, 'r');
  try {
    if (readSync(descriptor, bytes, 0, length, offset) !== length)
      throw new CoreBlocksError('safetensors-invalid', `${file}: expected ${length} bytes at ${offset}, the file ends before`, {
        file,
        offset,
        length,
      });
  } finally {
    closeSync(descriptor);
  }
  return { data: decodeFloats(bytes.buffer, dtype), shape };
}
