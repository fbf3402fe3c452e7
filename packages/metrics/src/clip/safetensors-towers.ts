import {
  CoreBlocksError,
  externalStateDict,
  inLayout,
  openaiClip,
  readSafetensors,
  withParameters,
  type ClipModel,
  type Module,
} from '@controllab/core-blocks';
import { compile, type CompileOptions, type ConstantTensor } from '@controllab/tfjs-onnx';
import { MetricsError } from '../errors.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import { fileHash } from '../weights/file-hash.ts';
import { fillBatch } from '../features/fill-batch.ts';
import { clipPreprocess } from './preprocess.ts';
import type { TextTower } from './towers.ts';

/** A CLIP whose weights lie in a file. */
export interface ClipWeights {
  /** Of the backbone: ViT-L/14. */
  readonly name: string;
  readonly model: ClipModel;
  readonly tensors: Readonly<Record<string, ConstantTensor>>;
  readonly hash: string;
}

/**
 * A whole CLIP's weights from a .safetensors file in transformers' names or in openai/CLIP's, which OpenCLIP's files have too. Nothing is
 * loaded: the towers use the numbers where they lie.
 * @param name of the backbone, for the scores
 * @throws MetricsError weights-mismatch, counting what is missing, unexpected or of another shape; what opening the file throws
 */
export async function openClip(name: string, model: ClipModel, file: string): Promise<ClipWeights> {
  const source = readSafetensors(file);
  try {
    const tensors = externalStateDict(model, source.header.has('visual.conv1.weight') ? inLayout(source, model, openaiClip()) : source);
    return { name, model, tensors, hash: await fileHash(file) };
  } catch (error) {
    if (!(error instanceof CoreBlocksError) || error.code !== 'state-dict-mismatch') throw error;
    throw new MetricsError('weights-mismatch', `${file} does not hold CLIP ${name}: ${error.message}`, { file, ...error.values });
  }
}

export type TowerOptions = { batchSize?: number } & Pick<CompileOptions, 'provider' | 'threads'>;

const parametersOf = (tower: Module, tensors: ClipWeights['tensors']) =>
  Object.fromEntries([...tower.parameters().keys()].map((name) => [name, tensors[name]!]));

/** A CLIP's vision tower, compiled for batches of up to `batchSize` images (8). Its features are embeddings, not normalised. */
export async function clipImageTower(
  { name, model: { vision }, tensors, hash }: ClipWeights,
  { batchSize = 8, ...options }: TowerOptions = {},
): Promise<FeatureExtractor> {
  const { image_size: size, projection_dim: dimension } = vision.config;
  const shape = [batchSize, 3, size, size];
  const forward = await compile(
    ({ inputs, constants }) => ({ outputs: { embeds: withParameters(vision, constants, () => vision.forward(inputs['images']!)) } }),
    { inputs: { images: { shape } }, constants: parametersOf(vision, tensors) },
    { ...options, name: `CLIP ${name}, images` },
  );
  return {
    name: `CLIP ${name}`,
    weightsHash: hash,
    dimension,
    preprocess: clipPreprocess(size),
    batchSize,
    async run(batch) {
      const { filled, count } = fillBatch(`CLIP ${name}`, batch, shape);
      const { embeds } = await forward.run({ images: filled });
      return (embeds!.data as Float32Array).slice(0, count * dimension);
    },
    release: () => forward.release(),
  };
}

/** A CLIP's text tower, compiled for batches of up to `batchSize` texts (8). */
export async function clipTextTower(
  { name, model: { text }, tensors, hash }: ClipWeights,
  { batchSize = 8, ...options }: TowerOptions = {},
): Promise<TextTower> {
  const { max_position_embeddings: context } = text.config;
  const dimension = text.text_projection.weight.shape[0]!;
  const shape = [batchSize, context];
  const forward = await compile(
    ({ inputs, constants }) => ({ outputs: { embeds: withParameters(text, constants, () => text.encode(inputs['ids']!).embeds) } }),
    { inputs: { ids: { shape, dtype: 'int32' } }, constants: parametersOf(text, tensors) },
    { ...options, name: `CLIP ${name}, texts` },
  );
  return {
    weightsHash: hash,
    context,
    vocabulary: text.config.vocab_size,
    dimension,
    batchSize,
    async run(ids) {
      const { filled, count } = fillBatch(`CLIP ${name}`, ids, shape);
      const { embeds } = await forward.run({ ids: filled });
      return (embeds!.data as Float32Array).slice(0, count * dimension);
    },
    release: () => forward.release(),
  };
}
