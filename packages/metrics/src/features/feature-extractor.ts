import type { RgbImage } from '@controllab/data';
import type { HostTensor } from '@controllab/tfjs-onnx';

/** How an image becomes a network's input. */
export interface Preprocess {
  /** Part of a score's name and of the statistics' provenance. */
  readonly name: string;
  /** Side of the input, S. */
  readonly size: number;
  /** Whether only the middle square of an image is seen. */
  readonly crops?: boolean;
  /** An 8-bit image of any size as `[3, S, S]`. */
  apply(image: RgbImage): Float32Array;
}

/** A network that turns images into features: FID's Inception, a user's ONNX file, or one that the caller trained. */
export interface FeatureExtractor {
  /** As it stands in a score's name: a distance is called FID for `inception` alone. */
  readonly name: string;
  /** sha256 of the weights, so that statistics of different networks are never compared. */
  readonly weightsHash: string;
  /** Features per image, D. */
  readonly dimension: number;
  readonly preprocess: Preprocess;
  /** Most images of one run. */
  readonly batchSize: number;
  /** `batch`: [N, 3, S, S], N at most `batchSize`; gives [N, D]. */
  run(batch: HostTensor): Promise<Float32Array>;
  release(): Promise<void>;
}
