import type { RgbImage } from '@controllab/report';
import { MetricsError } from './errors.ts';
import type { FeatureExtractor } from './feature-extractor.ts';
import { checkFeatures, type Features } from './features.ts';

/**
 * Features [N, D] of images of any sizes, in their order. Images are taken one after the other and only a batch of them is held.
 * @throws MetricsError empty-input without images; not-finite naming the first image whose features are not
 */
export async function extractFeatures(extractor: FeatureExtractor, images: Iterable<RgbImage> | AsyncIterable<RgbImage>): Promise<Features> {
  const { preprocess: { size, apply }, batchSize, dimension } = extractor;
  const parts: Float32Array[] = [];
  let waiting: Float32Array[] = [];
  const run = async (): Promise<void> => {
    const data = new Float32Array(waiting.length * 3 * size * size);
    for (const [i, image] of waiting.entries()) data.set(image, i * 3 * size * size);
    const features = await extractor.run({ data, shape: [waiting.length, 3, size, size] });
    checkFeatures(extractor.name, { data: features, shape: [waiting.length, dimension] }, parts.length * batchSize);
    parts.push(features);
    waiting = [];
  };
  for await (const image of images) {
    waiting.push(apply(image));
    if (waiting.length === batchSize) await run();
  }
  if (waiting.length > 0) await run();
  if (parts.length === 0) throw new MetricsError('empty-input', `${extractor.name}: expected at least one image, got none`);
  const count = parts.reduce((sum, part) => sum + part.length, 0) / dimension;
  const data = new Float32Array(count * dimension);
  for (const [i, part] of parts.entries()) data.set(part, i * batchSize * dimension);
  return { data, shape: [count, dimension] };
}
