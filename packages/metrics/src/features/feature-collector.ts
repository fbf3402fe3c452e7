import type { RgbImage } from '@controllab/data';
import { MetricsError } from '../errors.ts';
import type { FeatureExtractor } from './feature-extractor.ts';
import { checkFeatures, rowName, type Features } from './feature-vectors.ts';

/**
 * Gathers the features of images that come one after the other. Only two batches of images are held: one in the network, and the
 * next, which is prepared meanwhile.
 */
export class FeatureCollector {
  readonly #extractor: FeatureExtractor;
  readonly #parts: Float32Array[] = [];
  #waiting: Float32Array[] = [];
  /** Of all images. */
  readonly #names: string[] = [];
  /** The batch in the network; resolves to what went wrong. */
  #running: Promise<unknown> = Promise.resolve(null);

  constructor(extractor: FeatureExtractor) {
    this.#extractor = extractor;
  }

  /**
   * Adds an image of any size; wait for it before the next.
   * @param name of the image, for messages
   * @throws MetricsError not-finite naming the first image whose features are not
   */
  async add(image: RgbImage, name = rowName(this.#names.length)): Promise<void> {
    this.#names.push(name);
    this.#waiting.push(this.#extractor.preprocess.apply(image));
    if (this.#waiting.length === this.#extractor.batchSize) await this.#next();
  }

  /** Features [N, D] of all images in their order. @throws MetricsError empty-input without images; not-finite */
  async finish(): Promise<Features> {
    const { name, batchSize, dimension } = this.#extractor;
    if (this.#waiting.length > 0) await this.#next();
    await this.#settle();
    if (this.#parts.length === 0) throw new MetricsError('empty-input', `${name}: expected at least one image, got none`);
    const count = this.#parts.reduce((sum, part) => sum + part.length, 0) / dimension;
    const data = new Float32Array(count * dimension);
    for (const [i, part] of this.#parts.entries()) data.set(part, i * batchSize * dimension);
    return { data, shape: [count, dimension] };
  }

  async #next(): Promise<void> {
    await this.#settle();
    const images = this.#waiting;
    this.#waiting = [];
    this.#running = this.#run(images).then(
      () => null,
      (error: unknown) => error,
    );
  }

  async #settle(): Promise<void> {
    const error = await this.#running;
    if (error !== null) throw error;
  }

  async #run(images: readonly Float32Array[]): Promise<void> {
    const {
      name,
      preprocess: { size },
      batchSize,
      dimension,
    } = this.#extractor;
    const data = new Float32Array(images.length * 3 * size * size);
    for (const [i, image] of images.entries()) data.set(image, i * 3 * size * size);
    const features = await this.#extractor.run({ data, shape: [images.length, 3, size, size] });
    const first = this.#parts.length * batchSize;
    checkFeatures(name, { data: features, shape: [images.length, dimension] }, (row) => this.#names[first + row]!);
    this.#parts.push(features);
  }
}

/** Features [N, D] of images of any sizes, in their order. @throws MetricsError as {@link FeatureCollector} */
export async function extractFeatures(
  extractor: FeatureExtractor,
  images: Iterable<RgbImage> | AsyncIterable<RgbImage>,
): Promise<Features> {
  const collector = new FeatureCollector(extractor);
  for await (const image of images) await collector.add(image);
  return collector.finish();
}
