import type { Measurement } from '@controllab/report';
import { aestheticScore } from '../aesthetic/score.ts';
import type { AestheticHead } from '../aesthetic/head.ts';
import { clipScore, type ClipMeasure } from '../clip/score.ts';
import type { ClipTowers } from '../clip/towers.ts';
import { cmmd } from '../distribution/cmmd.ts';
import { kernelInceptionDistance } from '../distribution/kernel-inception-distance.ts';
import type { KernelDistance } from '../distribution/kernel-sums.ts';
import { mind } from '../distribution/mind.ts';
import { densityCoverage, precisionRecall } from '../distribution/neighbourhoods.ts';
import { twoSampleTest } from '../distribution/two-sample-test.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import type { Features } from '../features/feature-vectors.ts';
import type { FeatureStatistics } from '../frechet/feature-statistics.ts';
import { frechetDistance } from '../frechet/frechet-distance.ts';
import { frechetEstimate } from '../frechet/frechet-estimate.ts';
import { inceptionScore } from '../inception/inception-score.ts';
import type { InceptionExtractor } from '../inception/extractor.ts';
import { CLASSES } from '../inception/network.ts';

/** A number about a set, or about two. */
export interface Score {
  /** Of the table in which it stands. */
  group: 'distance' | 'overlap' | 'two-sample' | 'inception-score' | 'per-image';
  /** FID, KID and IS are of FID's Inception; another network's name is part of its quantities'. */
  quantity: string;
  /** Network and preprocessing: `inception, clean`. A quantity is quoted with it. null where the quantity's name says it. */
  by: string | null;
  /** Whose it is, where it is of one set. */
  set: 'generated' | 'reference';
  /** A measurement where there is an interval. */
  value: number | Measurement;
  better: 'higher' | 'lower';
}

/** A number for each generated image. */
export interface ImageScores {
  id: string;
  label: string;
  values: Float64Array;
}

export interface Scores {
  scores: Score[];
  images: ImageScores[];
  /** What a reader must know of them. */
  notes: string[];
}

/** Of the resampling behind intervals: the same images give the same interval. */
const SEED = 0;
/** The 97.5% quantile of the normal distribution. */
const Z_975 = 1.959963984540054;
/** Fewest images for the halves behind a corrected Frechet distance. */
const LEAST_FOR_ESTIMATE = 16;

/** As a score is quoted: `FID (inception, clean)`. */
export const quoted = ({ quantity, by }: Pick<Score, 'quantity' | 'by'>): string => (by === null ? quantity : `${quantity} (${by})`);

const madeBy = ({ name, preprocess }: FeatureExtractor): string => `${name}, ${preprocess.name}`;

/** FID of Inception; of another network FD, or `FID (mini-inception)`. */
const named = (kind: 'F' | 'K', { name }: FeatureExtractor): string =>
  name === 'inception' ? `${kind}ID` : name.includes('inception') ? `${kind}ID (${name})` : `${kind}D`;

const measured = (value: number, interval: readonly [number, number], n: number, method: string, seed = SEED): Measurement => ({
  value,
  interval,
  n,
  method,
  seeds: [seed],
});

const ofKernel = ({ unbiased, standardError, n, m }: KernelDistance): Measurement =>
  measured(
    unbiased,
    [unbiased - Z_975 * standardError, unbiased + Z_975 * standardError],
    Math.min(n, m),
    '95% by the standard error of the images',
  );

/** The Frechet distance; corrected and with an interval where both sets are images and there are enough. */
export async function fid(extractor: FeatureExtractor, generated: Features, reference: Features | FeatureStatistics): Promise<Scores> {
  const quantity = named('F', extractor);
  const by = madeBy(extractor);
  const label = quoted({ quantity, by });
  const isStatistics = 'comoment' in reference;
  const { value, first, second, errorBound } = await frechetDistance(generated, reference);
  const scores: Score[] = [{ group: 'distance', quantity, by, set: 'generated', value, better: 'lower' }];
  const notes: string[] = [];
  if (second.method === 'pivoted-cholesky')
    notes.push(
      `${label}: the reference's statistics have rank ${second.rank} of ${extractor.dimension}; what rounding hides changes the value by ${errorBound.toPrecision(2)} at most.`,
    );
  const fewest = Math.min(first.n, second.n);
  if (isStatistics || fewest < LEAST_FOR_ESTIMATE) {
    notes.push(
      `${label} is not corrected for its bias: that takes ${isStatistics ? 'the reference images, not only their statistics' : `${LEAST_FOR_ESTIMATE} images of either set`}.`,
    );
    return { scores, images: [], notes };
  }
  const estimate = await frechetEstimate(generated, reference, { seed: SEED });
  scores.push({
    group: 'distance',
    quantity: `${quantity}, bias-corrected`,
    by,
    set: 'generated',
    value: measured(estimate.value, estimate.interval, fewest, '95% by halves of the images'),
    better: 'lower',
  });
  if (!estimate.asymptotic)
    notes.push(
      `${label}: half of the ${fewest} images are no more than the ${extractor.dimension} dimensions. The corrected value is nearer to the truth than the plain one, but its interval does not cover the truth.`,
    );
  return { scores, images: [], notes };
}

export async function kid(extractor: FeatureExtractor, generated: Features, reference: Features): Promise<Scores> {
  return {
    scores: [
      {
        group: 'distance',
        quantity: named('K', extractor),
        by: madeBy(extractor),
        set: 'generated',
        value: ofKernel(await kernelInceptionDistance(generated, reference)),
        better: 'lower',
      },
    ],
    images: [],
    notes: [],
  };
}

export async function mindDistance(extractor: FeatureExtractor, generated: Features, reference: Features): Promise<Scores> {
  const { value } = await mind(generated, reference, { seed: SEED });
  return {
    scores: [{ group: 'distance', quantity: 'MIND', by: madeBy(extractor), set: 'generated', value, better: 'lower' }],
    images: [],
    notes: [],
  };
}

export async function prdc(extractor: FeatureExtractor, generated: Features, reference: Features): Promise<Scores> {
  const { precision, recall } = await precisionRecall(reference, generated);
  const { density, coverage } = await densityCoverage(reference, generated);
  const scores = Object.entries({ Precision: precision, Recall: recall, Density: density, Coverage: coverage }).map(
    ([quantity, value]): Score => ({ group: 'overlap', quantity, by: madeBy(extractor), set: 'generated', value, better: 'higher' }),
  );
  return { scores, images: [], notes: [] };
}

export async function c2st(extractor: FeatureExtractor, generated: Features, reference: Features): Promise<Scores> {
  const { accuracy, auc, spread, p } = await twoSampleTest(reference, generated, { seed: SEED });
  const scores = Object.entries({ Accuracy: accuracy, 'Spread of the raters': spread, AUC: auc, p }).map(([quantity, value]): Score => ({
    group: 'two-sample',
    quantity,
    by: madeBy(extractor),
    set: 'generated',
    value,
    better: quantity === 'p' ? 'higher' : 'lower',
  }));
  return { scores, images: [], notes: [] };
}

export async function inception(extractor: InceptionExtractor, generated: Features): Promise<Scores> {
  const { score, splits } = inceptionScore(await extractor.logits(generated.data as Float32Array), CLASSES);
  const common = { group: 'inception-score', by: madeBy(extractor), set: 'generated', better: 'higher' } as const;
  const scores: Score[] = [{ ...common, quantity: 'IS', value: score }];
  if (splits !== null) scores.push({ ...common, quantity: 'IS, mean of ten parts', value: splits.mean });
  return {
    scores,
    images: [],
    notes: splits === null ? [] : [`The ten parts\u2019 Inception Scores have a standard deviation of ${splits.sd.toPrecision(3)}.`],
  };
}

export async function clip(towers: ClipTowers, measure: ClipMeasure, generated: Features, captions: readonly string[]): Promise<Scores> {
  const { name, mean, perImage, truncated } = await clipScore(towers, generated, captions, measure);
  return {
    scores: [{ group: 'per-image', quantity: name, by: null, set: 'generated', value: { ...mean, seeds: [1] }, better: 'higher' }],
    images: [{ id: 'clip', label: name, values: perImage }],
    notes:
      truncated.length === 0
        ? []
        : [`${truncated.length} of ${captions.length} captions are longer than CLIP\u2019s context and were cut to it.`],
  };
}

export function aesthetic(head: AestheticHead, backbone: string, generated: Features, reference: Features | null): Scores {
  const own = aestheticScore(head, generated, backbone);
  const score = (set: Score['set'], { name, mean }: typeof own): Score => ({
    group: 'per-image',
    quantity: name,
    by: null,
    set,
    value: { ...mean, seeds: [1] },
    better: 'higher',
  });
  return {
    scores: [score('generated', own), ...(reference === null ? [] : [score('reference', aestheticScore(head, reference, backbone))])],
    images: [{ id: 'aesthetic', label: own.name, values: own.perImage }],
    notes: [],
  };
}

export async function clipDiscrepancy(backbone: string, generated: Features, reference: Features): Promise<Scores> {
  return {
    scores: [
      {
        group: 'distance',
        quantity: 'CMMD',
        by: `CLIP ${backbone}`,
        set: 'generated',
        value: ofKernel(await cmmd(generated, reference)),
        better: 'lower',
      },
    ],
    images: [],
    notes: [],
  };
}
