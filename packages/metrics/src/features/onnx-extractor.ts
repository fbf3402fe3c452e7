import path from 'node:path';
import ort from 'onnxruntime-node';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { MetricsError } from '../errors.ts';
import type { FeatureExtractor, Preprocess } from './feature-extractor.ts';
import { fillBatch } from './fill-batch.ts';
import { openOnnx, type OnnxOptions } from './onnx-session.ts';
import { resample } from '@controllab/data';

/** The input of a network: images are stretched to a square by Pillow's bicubic, taken to [0, 1] and normalised by channel. */
export interface OnnxInput {
  /** Part of a score's name. */
  name: string;
  /** Side in pixels. */
  size: number;
  /** Of the channels R, G, B on [0, 1]. */
  mean: readonly [number, number, number];
  std: readonly [number, number, number];
}

/** Inputs by name. dinov2: as Stein et al. 2023 (dgm-eval) feed it, whose FD-DINOv2 takes the large network's class token. */
export const ONNX_INPUTS = {
  dinov2: { name: 'dinov2', size: 224, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
} as const satisfies Record<string, OnnxInput>;

/** @throws MetricsError invalid-option for a size that is no positive integer or a standard deviation that is not positive */
export function onnxPreprocess({ name, size, mean, std }: OnnxInput): Preprocess {
  if (!Number.isSafeInteger(size) || size < 1 || ![...mean, ...std].every(Number.isFinite) || std.some((s) => s <= 0)) {
    throw new MetricsError(
      'invalid-option',
      `input "${name}": expected a side of at least one pixel, finite means and positive standard deviations, got ${size}, [${mean.join(', ')}] and [${std.join(', ')}]`,
      { name, size, mean, std },
    );
  }
  const plane = size * size;
  return {
    name,
    size,
    apply(image) {
      const square = resample(image.rgb, image, { width: size, height: size }, 'bicubic');
      const result = new Float32Array(3 * plane);
      for (let c = 0; c < 3; c++) {
        for (let i = 0; i < plane; i++) result[c * plane + i] = (square[3 * i + c]! / 255 - mean[c]!) / std[c]!;
      }
      return result;
    },
  };
}

export interface OnnxExtractorOptions extends OnnxOptions {
  input: OnnxInput;
  /** Needed where the network has several. */
  output?: string;
  /** Images per run (8), unless the file fixes it. */
  batchSize?: number;
}

/**
 * Any ONNX network of one image input [N, 3, S, S] as a feature extractor. Its features are the output [N, D]; of tokens [N, T, D] the
 * first, which is a vision transformer's class token; of maps [N, D, H, W] the mean.
 * @throws MetricsError invalid-file for a file that is no such network, with its inputs and outputs; invalid-option for an output that is
 * not there
 */
export async function onnxExtractor(
  file: string,
  { input, output, batchSize = 8, ...where }: OnnxExtractorOptions,
): Promise<FeatureExtractor> {
  const preprocess = onnxPreprocess(input);
  const fail = (message: string) => new MetricsError('invalid-file', `${file} ${message}`, { file });
  const { session, weightsHash } = await openOnnx(file, where);
  try {
    const [images, ...others] = session.inputMetadata;
    if (!images?.isTensor || others.length > 0 || images.type !== 'float32' || images.shape.length !== 4) {
      throw fail(
        `does not take one float32 tensor of images [N, 3, S, S]: its inputs are ${session.inputMetadata.map((m) => (m.isTensor ? `${m.name} ${m.type} [${m.shape.join(', ')}]` : m.name)).join('; ')}`,
      );
    }
    const [declared, ...rest] = images.shape;
    const shape = [typeof declared === 'number' ? declared : batchSize, 3, input.size, input.size];
    if (rest.some((length, i) => typeof length === 'number' && length !== shape[i + 1]))
      throw fail(`takes images [${images.shape.join(', ')}], the input "${input.name}" gives [N, ${shape.slice(1).join(', ')}]`);
    const name = outputName(file, session.outputNames, output);
    const run = async (batch: HostTensor): Promise<Float32Array> => {
      const { filled, count } = fillBatch(file, batch, shape);
      // Where the network takes any number of images, none is filled up.
      const { data, shape: dims } = typeof declared === 'number' ? filled : batch;
      const result = (await session.run({ [images.name]: new ort.Tensor('float32', data as Float32Array, dims) }, [name]))[name]!;
      return pooled(result, dims[0]!, count, (found) =>
        fail(`gives ${name} as ${found}, expected float32 [N, D], [N, T, D] or [N, D, H, W]`),
      );
    };
    const probe = await run({ data: new Float32Array(3 * input.size ** 2), shape: [1, 3, input.size, input.size] });
    return {
      name: session.outputNames.length > 1 ? `${path.basename(file)} ${name}` : path.basename(file),
      weightsHash,
      dimension: probe.length,
      preprocess,
      batchSize: shape[0]!,
      run,
      release: () => session.release(),
    };
  } catch (error) {
    await session.release();
    throw error instanceof MetricsError ? error : fail(`cannot be run: ${(error as Error).message.trim()}`);
  }
}

function outputName(file: string, names: readonly string[], wanted: string | undefined): string {
  const name = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined || !names.includes(name)) {
    throw new MetricsError(
      'invalid-option',
      `${file} has the outputs ${names.join(', ')}; ${wanted === undefined ? 'say which one holds the features' : `there is no "${wanted}"`}`,
      { file, names, wanted },
    );
  }
  return name;
}

/** [rows, ...] to [count, D]: tokens to the first of them, maps to their mean. */
function pooled(result: ort.Tensor, rows: number, count: number, fail: (found: string) => MetricsError): Float32Array {
  const { data, dims } = result;
  if (!(data instanceof Float32Array) || dims[0] !== rows || dims.length < 2 || dims.length > 4)
    throw fail(`${result.type} [${dims.join(', ')}]`);
  const [, second, third = 1, fourth = 1] = dims as [number, number, number?, number?];
  if (dims.length === 2) return data.slice(0, count * second);
  if (dims.length === 3)
    return Float32Array.from({ length: count * third }, (_, i) => data[Math.floor(i / third) * second * third + (i % third)]!);
  const area = third * fourth;
  return Float32Array.from(
    { length: count * second },
    (_, i) => data.subarray(i * area, (i + 1) * area).reduce((sum, x) => sum + x, 0) / area,
  );
}
