import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ExternalTensor, HostTensor } from '@controllab/tfjs-onnx';
import { BaseModelError } from '../../errors.ts';

/** Folders of this process's scratch files: they go when it does. */
const folders: string[] = [];

/**
 * A file for tensors that were computed and are as large as a model's: they are read in place like the model's own, and the host's memory
 * holds one of them at a time. It lies in the system's folder for temporary files and goes when the process does.
 */
export function scratchFile(): (tensor: HostTensor) => ExternalTensor {
  let opened: { file: string; descriptor: number } | undefined;
  let offset = 0;
  const open = (): { file: string; descriptor: number } => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'controllab-'));
    if (folders.length === 0) process.on('exit', () => folders.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));
    folders.push(directory);
    const file = path.join(directory, 'weights.bin');
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
