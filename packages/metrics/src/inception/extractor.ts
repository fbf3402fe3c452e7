import { withParameters } from '@controllab/core-blocks';
import { compile, nn, type CompileOptions } from '@controllab/tfjs-onnx';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import { fillBatch } from '../features/fill-batch.ts';
import { INCEPTION_SIZE, inceptionPreprocess } from './presets.ts';
import { CLASSES, FEATURES, FidInception } from './network.ts';
import type { InceptionWeights } from './weights.ts';

export interface InceptionExtractor extends FeatureExtractor {
  /** Scores of the 1008 classes, [N, 1008], from features [N, 2048]: without the bias, as the Inception Score was defined. */
  logits(features: Float32Array): Promise<Float32Array>;
}

/**
 * FID's Inception network, compiled with its weights as constants.
 * @param options.preset how images become its input: see PRESETS
 * @param options.batchSize images per run (8): a smaller last batch is filled up, so results do not depend on it
 * @throws MetricsError unknown-preset
 */
export async function inceptionExtractor(
  { tensors, hash }: InceptionWeights,
  { preset, batchSize = 8, ...options }: { preset: string; batchSize?: number } & Pick<CompileOptions, 'provider' | 'threads' | 'engine'>,
): Promise<InceptionExtractor> {
  const preprocess = inceptionPreprocess(preset);
  const network = new FidInception();
  const shape = [batchSize, 3, INCEPTION_SIZE, INCEPTION_SIZE];
  const forward = await compile(
    ({ inputs, constants }) => ({ outputs: { features: withParameters(network, constants, () => network.forward(inputs['images']!)) } }),
    { inputs: { images: { shape } }, constants: tensors },
    { ...options, name: 'inception' },
  );
  return {
    name: 'inception',
    weightsHash: hash,
    dimension: FEATURES,
    preprocess,
    batchSize,
    async run(batch) {
      const { filled, count } = fillBatch('inception', batch, shape);
      const { features } = await forward.run({ images: filled });
      return (features!.data as Float32Array).slice(0, count * FEATURES);
    },
    async logits(features) {
      const count = features.length / FEATURES;
      const head = await compile(
        ({ inputs, constants }) => ({ outputs: { logits: nn.linear(inputs['features']!, constants['weight']!, null) } }),
        { inputs: { features: { shape: [count, FEATURES] } }, constants: { weight: tensors['fc.weight']! } },
        { ...options, name: 'inception fc' },
      );
      try {
        const { logits } = await head.run({ features: { data: features, shape: [count, FEATURES] } });
        return (logits!.data as Float32Array).slice(0, count * CLASSES);
      } finally {
        await head.release();
      }
    },
    release: () => forward.release(),
  };
}
