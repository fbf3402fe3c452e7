import type { DecodedImage, RgbImage } from '@controllab/data';
import type { AestheticHead } from '../aesthetic/head.ts';
import type { ClipMeasure } from '../clip/score.ts';
import type { ClipTowers } from '../clip/towers.ts';
import { MetricsError } from '../errors.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import type { Features } from '../features/feature-vectors.ts';
import { isStatistics, type FeatureStatistics } from '../frechet/feature-statistics.ts';
import type { Scores } from './score.ts';

/**
 * What a metric is computed from, beside the generated images: features by a network, embeddings by CLIP, a caption for each image, an
 * aesthetic predictor, the map of each image's condition, and a map that the user's own estimator found in each image.
 */
export type Need = 'features' | 'embeddings' | 'captions' | 'predictor' | 'conditions' | 'predicted';

interface Declaration {
  /** What it is, for `--help`. */
  readonly what: string;
  readonly needs: readonly Need[];
  /** Fewest images of a set. */
  readonly least: number;
  /** Least that it needs of the reference; `optional`: reference images are scored too. Statistics will do for a Frechet distance. */
  readonly reference: 'none' | 'optional' | 'statistics' | 'images';
}

/** What is known of the images once all were read. */
export interface MetricInputs {
  /** What made the features: the network, or CLIP's image tower. */
  readonly extractor: FeatureExtractor;
  readonly generated: Features;
  readonly reference: Features | FeatureStatistics | null;
  /** Hashes of the images' pixels: what tells them apart whatever their names and order. */
  readonly hashes: { readonly generated: readonly string[]; readonly reference: readonly string[] | null };
  /** In the order of the images: one or several of each. */
  readonly captions: readonly (readonly string[])[] | null;
  readonly clip: { readonly towers: ClipTowers; readonly measure: ClipMeasure } | null;
  readonly predictor: AestheticHead | null;
}

/** A metric of whole sets. */
export interface SetMetric extends Declaration {
  /** Refuses a network that cannot do what is needed of it, before an image is read. @throws MetricsError invalid-option, invalid-shape */
  checkNetwork?(network: FeatureExtractor, others: Pick<MetricInputs, 'clip' | 'predictor'>): void;
  compute(inputs: MetricInputs): Scores | Promise<Scores>;
}

/** A map of an image, of 8 bits. */
export interface ReadMap extends DecodedImage {
  /** Set and file, for messages. */
  readonly name: string;
  /** The file, not decoded. */
  readonly bytes: Uint8Array;
}

/** A generated image beside the map of its condition; `predicted` for metrics that need it. */
export interface MapPair {
  /** Of the image. */
  readonly name: string;
  readonly image: RgbImage;
  readonly condition: ReadMap;
  readonly predicted: ReadMap | null;
}

/** Of OpenCV's Canny, on the scale of |gx| + |gy| of 3x3 Sobel sums: edges above `low` count if they are connected to one above `high`. */
export interface CannyThresholds {
  readonly low: number;
  readonly high: number;
}

/** A metric of each image and its condition: it sees them one after the other. */
export interface MapMetric extends Declaration {
  start(options: { readonly canny: CannyThresholds }): { add(pair: MapPair): void | Promise<void>; finish(): Scores };
}

export type Metric = SetMetric | MapMetric;

/** @throws MetricsError invalid-option, for what the caller did not bring */
export function given<T>(value: T | null, what: string): T {
  if (value === null) throw new MetricsError('invalid-option', `these metrics need ${what}`);
  return value;
}

/** The reference images' features. @throws MetricsError missing-reference where there are none */
export function referenceFeatures({ reference }: Pick<MetricInputs, 'reference'>): Features {
  if (reference === null || isStatistics(reference))
    throw new MetricsError('missing-reference', 'these metrics need the features of reference images');
  return reference;
}
