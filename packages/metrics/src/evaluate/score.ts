import type { Measurement } from '@controllab/report';
import type { KernelDistance } from '../distribution/kernel-sums.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import { meanOfImages } from '../mean-of-images.ts';

/** Tables of the report: a score says in which it stands. */
export const GROUPS = {
  distance: {
    title: 'Distance of the distributions',
    caption: 'How far the generated images\u2019 distribution is from the reference\u2019s',
  },
  overlap: { title: 'Fidelity and diversity', caption: 'Precision and recall (3 neighbours), density and coverage (5 neighbours)' },
  'two-sample': { title: 'Can they be told apart?', caption: 'Twelve classifiers as raters; an accuracy of 0.5 is guessing' },
  'inception-score': { title: 'Inception Score', caption: 'How certain the images\u2019 classes are, and how varied' },
  condition: {
    title: 'How closely the condition is followed',
    caption: 'Each image beside its condition\u2019s map; means over the images',
  },
  'per-image': { title: 'Scores of single images', caption: 'Means over the images' },
} as const satisfies Record<string, { title: string; caption: string }>;

/** A number about a set, or about two. */
export interface Score {
  readonly group: keyof typeof GROUPS;
  /** FID, KID and IS are of FID's Inception; another network's name is part of its quantities'. */
  readonly quantity: string;
  /** Network and preprocessing: `inception, clean`. A quantity is quoted with it. null where the quantity's name says it. */
  readonly by: string | null;
  /** Whose it is, where it is of one set. */
  readonly set: 'generated' | 'reference';
  /** A measurement where there is an interval. */
  readonly value: number | Measurement;
  readonly better: 'higher' | 'lower';
  /** Digits behind the point in its table; significant ones by default. */
  readonly decimals?: number;
}

/** A number for each generated image. */
export interface ImageScores {
  readonly id: string;
  readonly label: string;
  /** NaN for an image that has none. */
  readonly values: Float64Array;
  readonly better: Score['better'];
  /** Whether it stands in the table of all images alone, without its distribution and its worst and best images. */
  readonly tableOnly?: boolean;
}

export interface Scores {
  readonly scores: readonly Score[];
  readonly images: readonly ImageScores[];
  /** What a reader must know of them. */
  readonly notes: readonly string[];
}

/** Of the resampling behind intervals: the same images give the same interval. */
export const SEED = 0;

/** The 97.5% quantile of the normal distribution. */
const Z_975 = 1.959963984540054;

/** Scores without a number for each image and without remarks. */
export const only = (...scores: readonly Score[]): Scores => ({ scores, images: [], notes: [] });

/** Of a set, or two, that hold too few different images for a score. */
export const tooFewDistinct = (label: string, least: number): Scores => ({
  scores: [],
  images: [],
  notes: [`${label} is not given: that takes ${least} different images of either set.`],
});

/** As a score is quoted: `FID (inception, clean)`. */
export const quoted = ({ quantity, by }: Pick<Score, 'quantity' | 'by'>): string => (by === null ? quantity : `${quantity} (${by})`);

/** What features were made by, as a score names it. */
export const madeBy = ({ name, preprocess }: FeatureExtractor): string => `${name}, ${preprocess.name}`;

/** FID is of Inception alone: a distance of another network's features is FD. */
export const distanceName = (kind: 'F' | 'K', { name }: FeatureExtractor): string => (name === 'inception' ? `${kind}ID` : `${kind}D`);

export const measured = (value: number, interval: readonly [number, number], n: number, method: string): Measurement => ({
  value,
  interval,
  n,
  method,
  seeds: [SEED],
});

/** The mean of a number that each generated image has, inside of its range. */
export const imageMean = (
  quantity: string,
  values: readonly number[],
  { by = null, better, range }: { by?: string | null; better: Score['better']; range: readonly [number, number] },
): Score => ({
  group: 'condition',
  quantity,
  by,
  set: 'generated',
  value: { ...meanOfImages(values, { range }), seeds: [1] },
  better,
  decimals: 3,
});

/** A kernel distance with the interval of its standard error. */
export const ofKernel = ({ unbiased, standardError, n, m }: KernelDistance): Measurement =>
  measured(
    unbiased,
    [unbiased - Z_975 * standardError, unbiased + Z_975 * standardError],
    Math.min(n, m),
    '95% by the standard error of the images',
  );
