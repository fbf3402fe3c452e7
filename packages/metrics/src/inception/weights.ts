import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { CoreBlocksError, loadStateDict, parameterSpecs, readSafetensors, SafetensorsFile, readTorchFile } from '@controllab/core-blocks';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { MetricsError } from '../errors.ts';
import { FidInception } from './network.ts';

export interface InceptionWeights {
  tensors: Record<string, HostTensor>;
  /** sha256 of all names, shapes and numbers: the same for a .pth and a .safetensors file of the same weights. */
  hash: string;
}

/**
 * The weights of {@link FidInception} from a .safetensors file or from one that `torch.save` wrote (zip layout).
 * The published file has 566 entries: 472 parameters and, for each of the 94 normalisations, `num_batches_tracked`, a counter that
 * only training reads. The counters may be there or not; every other name and shape must fit.
 * @throws MetricsError weights-mismatch, listing every missing, unexpected and mis-shaped tensor; what reading the file throws, such as
 * invalid-file for PyTorch's legacy layout with the way to convert it.
 */
export async function readInceptionWeights(file: string): Promise<InceptionWeights> {
  const network = new FidInception();
  const counters = new Set(
    Object.keys(parameterSpecs(network)).map((name) => name.replace(/\.bn\.running_mean$/, '.bn.num_batches_tracked')),
  );
  const isCounter = (name: string) => name.endsWith('.num_batches_tracked') && counters.has(name);
  try {
    const tensors = loadStateDict(
      network,
      (await isSafetensors(file)) ? withoutTensors(readSafetensors(file), isCounter) : without(await readTorchFile(file), isCounter),
    );
    return { tensors, hash: contentHash(tensors) };
  } catch (error) {
    if (!(error instanceof CoreBlocksError) || error.code !== 'state-dict-mismatch') throw error;
    throw new MetricsError(
      'weights-mismatch',
      `${file} does not hold FID's Inception network (pt_inception-2015-12-05): ${error.message}`,
      { file, ...error.values },
    );
  }
}

/** A .safetensors file begins with the length of its header, which is JSON. */
async function isSafetensors(file: string): Promise<boolean> {
  const handle = await open(file).catch((error: Error) => {
    throw new MetricsError('invalid-file', `cannot read the weights ${file}: ${error.message}`, { file });
  });
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(9), 0, 9, 0);
    return bytesRead === 9 && buffer[8] === '{'.charCodeAt(0);
  } finally {
    await handle.close();
  }
}

const without = <T>(record: Record<string, T>, drop: (name: string) => boolean): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !drop(name)));

/** The same file, some of its tensors out of sight. */
function withoutTensors({ file, header, metadata, dataStart }: SafetensorsFile, drop: (name: string) => boolean): SafetensorsFile {
  return new SafetensorsFile(file, { entries: new Map([...header].filter(([name]) => !drop(name))), metadata: { ...metadata } }, dataStart);
}

function contentHash(tensors: Record<string, HostTensor>): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(tensors).sort()) {
    const { data, shape } = tensors[name]!;
    hash.update(`${name} [${shape.join(', ')}]\n`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
