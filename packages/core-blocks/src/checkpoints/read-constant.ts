import { closeSync, openSync, readSync } from 'node:fs';
import type { ConstantTensor, HostTensor } from '@controllab/tfjs-onnx';
import { CoreBlocksError } from '../errors.ts';
import { decodeBfloat16, decodeFloat16, decodeFloat8 } from './float16.ts';

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
  if (dtype === 'float32') return { data: new Float32Array(bytes.buffer), shape };
  if (dtype === 'float8e4m3fn' || dtype === 'float8e5m2') return { data: decodeFloat8(bytes, dtype), shape };
  const bits = new Uint16Array(bytes.buffer);
  return { data: dtype === 'float16' ? decodeFloat16(bits) : decodeBfloat16(bits), shape };
}
