import { existsSync } from 'node:fs';
import ort from 'onnxruntime-node';
import type { Provider } from '@controllab/tfjs-onnx';
import { MetricsError } from '../errors.ts';
import { fileHash } from '../weights/file-hash.ts';

/** Where an ONNX network runs. */
export interface OnnxOptions {
  provider?: Provider;
  /** All cores by default. */
  threads?: number;
}

/**
 * Opens an ONNX network; `weightsHash` is the file's sha256 and, where the weights lie beside it, theirs. @throws MetricsError invalid-file
 */
export async function openOnnx(
  file: string,
  { provider = 'cpu', threads }: OnnxOptions,
): Promise<{ session: ort.InferenceSession; weightsHash: string }> {
  const parts = [file, `${file}_data`, `${file}.data`].filter((part) => part === file || existsSync(part));
  const weightsHash = (await Promise.all(parts.map(fileHash))).join('+');
  try {
    const session = await ort.InferenceSession.create(file, {
      executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      logSeverityLevel: 3,
      // Several sessions live in one process: idle threads of one must not spin on the cores of another.
      extra: { session: { force_spinning_stop: '1' } },
    });
    return { session, weightsHash };
  } catch (error) {
    throw new MetricsError('invalid-file', `${file} cannot be run as an ONNX network: ${(error as Error).message.trim()}`, { file });
  }
}
