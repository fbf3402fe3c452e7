import ort from 'onnxruntime-node';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { MetricsError } from '../errors.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import { fillBatch } from '../features/fill-batch.ts';
import { openOnnx, type OnnxOptions } from '../features/onnx-session.ts';
import { clipPreprocess } from './preprocess.ts';
import { CLIP_CONTEXT } from './tokenizer.ts';
import type { TextTower } from './towers.ts';

/** Side of the images where an export leaves it open. */
const IMAGE_SIZE = 224;

/** One network of an export, its rows in and its embeddings out. */
interface Network {
  hash: string;
  dimension: number;
  /** [most rows, ...] */
  shape: readonly number[];
  run(rows: HostTensor): Promise<Float32Array>;
  release(): Promise<void>;
}

/**
 * The vision tower of a CLIP exported as `vision_model.onnx` (input `pixel_values` [N, 3, S, S], output `image_embeds` [N, D]).
 * @param name of the backbone, for the scores; the file does not tell
 * @throws MetricsError invalid-file for a file that is no such network, naming its inputs and outputs
 */
export async function onnxImageTower(
  name: string,
  file: string,
  { batchSize = 8, ...options }: { batchSize?: number } & OnnxOptions = {},
): Promise<FeatureExtractor> {
  const network = await openNetwork(file, {
    input: 'pixel_values',
    output: 'image_embeds',
    rest: [3, IMAGE_SIZE, IMAGE_SIZE],
    batchSize,
    ...options,
  });
  const [most, channels, size, width] = network.shape as [number, number, number, number];
  if (channels !== 3 || size !== width) {
    await network.release();
    throw new MetricsError('invalid-file', `${file} takes images [${network.shape.slice(1).join(', ')}], expected [3, S, S]`, {
      file,
      shape: network.shape,
    });
  }
  return {
    name: `CLIP ${name}`,
    weightsHash: network.hash,
    dimension: network.dimension,
    preprocess: clipPreprocess(size),
    batchSize: most,
    run: network.run,
    release: network.release,
  };
}

/**
 * The text tower of a CLIP exported as `text_model.onnx` (input `input_ids` [N, T], perhaps `attention_mask`; output `text_embeds` [N, D]).
 * @throws MetricsError invalid-file for a file that is no such network, naming its inputs and outputs
 */
export async function onnxTextTower(
  file: string,
  { batchSize = 8, ...options }: { batchSize?: number } & OnnxOptions = {},
): Promise<TextTower> {
  const network = await openNetwork(file, { input: 'input_ids', output: 'text_embeds', rest: [CLIP_CONTEXT], batchSize, ...options });
  const [most, context] = network.shape as [number, number];
  return { weightsHash: network.hash, context, dimension: network.dimension, batchSize: most, run: network.run, release: network.release };
}

async function openNetwork(
  file: string,
  { input, output, rest, batchSize, ...where }: { input: string; output: string; rest: readonly number[]; batchSize: number } & OnnxOptions,
): Promise<Network> {
  const fail = (message: string): MetricsError => new MetricsError('invalid-file', `${file} ${message}`, { file });
  const { session, weightsHash: hash } = await openOnnx(file, where);
  try {
    const inputs = session.inputMetadata;
    const taken = inputs.find((candidate) => candidate.name === input);
    const given =
      session.outputNames.find((candidate) => candidate === output) ??
      (session.outputNames.length === 1 ? session.outputNames[0] : undefined);
    const strange = inputs.filter(({ name }) => name !== input && !(input === 'input_ids' && name === 'attention_mask'));
    if (!taken?.isTensor || given === undefined || strange.length > 0) {
      throw fail(
        `is no such tower: expected the input ${input} and the output ${output}, found ${inputs.map(({ name }) => name).join(', ')} and ${session.outputNames.join(', ')}`,
      );
    }
    if (taken.shape.length !== rest.length + 1) throw fail(`takes ${input} of rank ${taken.shape.length}, expected ${rest.length + 1}`);
    const shape = [batchSize, ...rest].map((open, axis) => (typeof taken.shape[axis] === 'number' ? taken.shape[axis] : open));
    const run = async (rows: HostTensor): Promise<Float32Array> => {
      const { filled, count } = fillBatch(file, rows, shape);
      // Where the network takes any number of rows, none is filled up.
      const used = typeof taken.shape[0] === 'number' ? filled : rows;
      const feeds = Object.fromEntries(
        inputs.map((meta) => [
          meta.name,
          feed(meta as ort.InferenceSession.TensorValueMetadata, meta.name === 'attention_mask' ? attentionMask(used) : used, fail),
        ]),
      );
      const result = (await session.run(feeds, [given]))[given]!;
      const values = await result.getData();
      if (!(values instanceof Float32Array) || result.dims.length !== 2 || result.dims[0] !== used.shape[0])
        throw fail(`gives ${given} as ${result.type} [${result.dims.join(', ')}], expected float32 [${used.shape[0]}, D]`);
      return values.slice(0, count * result.dims[1]!);
    };
    // The width is symbolic in some exports: one run tells, and whether the network runs at all.
    const [, ...one] = shape;
    const size = one.reduce((a, b) => a * b, 1);
    const probe = await run({
      data: input === 'input_ids' ? new Int32Array(size).fill(1, 0, 1) : new Float32Array(size),
      shape: [1, ...one],
    });
    return { hash, dimension: probe.length, shape, run, release: () => session.release() };
  } catch (error) {
    await session.release();
    throw error instanceof MetricsError ? error : fail(`cannot be run: ${(error as Error).message.trim()}`);
  }
}

/** 1 up to each text's end mark, which has the highest id, and 0 behind it. */
function attentionMask({ data, shape }: HostTensor): HostTensor {
  const [rows, context] = shape as [number, number];
  const mask = new Int32Array(data.length);
  for (let n = 0; n < rows; n++) {
    const ids = data.subarray(n * context, (n + 1) * context);
    mask.fill(1, n * context, n * context + ids.indexOf(Math.max(...ids)) + 1);
  }
  return { data: mask, shape };
}

function feed(
  { name, type }: ort.InferenceSession.TensorValueMetadata,
  { data, shape }: HostTensor,
  fail: (message: string) => MetricsError,
): ort.Tensor {
  if (data instanceof Int32Array && type === 'int64') return new ort.Tensor('int64', BigInt64Array.from(data, BigInt), shape);
  if ((data instanceof Int32Array && type === 'int32') || (data instanceof Float32Array && type === 'float32'))
    return new ort.Tensor(type, data, shape);
  throw fail(`takes ${name} as ${type}, which is not supported (float32 images, int32 or int64 ids)`);
}
