import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { scratchFolder } from '@controllab/data';
import type { ExternalTensor, HostTensor } from '@controllab/tfjs-onnx';
import { BaseModelError } from '../../errors.ts';

/**
 * A file for tensors that were computed and are as large as a model's: they are read in place like the model's own, and the host's memory
 * holds one of them at a time. It lies in the system's folder for temporary files and goes when the process does.
 */
export function scratchFile(): (tensor: HostTensor) => ExternalTensor {
  let opened: { file: string; descriptor: number } | undefined;
  let offset = 0;
  const open = (): { file: string; descriptor: number } => {
    const file = path.join(scratchFolder('weights'), 'weights.bin');
    return { file, descriptor: fs.openSync(file, 'wx') };
  };
  return ({ data, shape }) => {
    try {
      const { file, descriptor } = (opened ??= open());
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      for (let done = 0; done < bytes.length;) done += fs.writeSync(descriptor, bytes, done);
      offset += bytes.length;
      return { file, offset: offset - bytes.length, length: bytes.length, shape, dtype: 'float32' };
    } catch (error) {
      throw new BaseModelError(
        'invalid-model',
        `Cannot keep the merged weights in ${os.tmpdir()}: ${(error as Error).message}; name a folder with room in TMPDIR.`,
        { directory: os.tmpdir() },
        { cause: error },
      );
    }
  };
}
