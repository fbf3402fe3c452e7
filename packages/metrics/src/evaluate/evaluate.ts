import type { AestheticHead } from '../aesthetic/head.ts';
import type { ClipMeasure } from '../clip/score.ts';
import type { ClipTowers } from '../clip/towers.ts';
import { MetricsError } from '../errors.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import type { Features } from '../features/feature-vectors.ts';
import { StatisticsAccumulator, type FeatureStatistics } from '../frechet/feature-statistics.ts';
import { checkSameProvenance, type FeatureProvenance } from '../frechet/provenance.ts';
import { matchCaptions, type ImageSource } from '@controllab/data';
import type { InceptionExtractor } from '../inception/extractor.ts';
import { findDuplicates, type Duplicates } from './duplicates.ts';
import { checkCount, checkReference, METRICS, needs, type MetricName } from './plan.ts';
import { readSet, type ReadSet } from './read-set.ts';
import * as measure from './scores.ts';
import type { Scores } from './scores.ts';

export interface EvaluateOptions {
  metrics: readonly MetricName[];
  generated: ImageSource;
  /** Images, or statistics that an earlier evaluation kept; null where no metric needs one. */
  reference: ImageSource | FeatureStatistics | null;
  /** For fid, kid, prdc, mind, c2st and is: FID's Inception, or any other network. */
  network: FeatureExtractor | InceptionExtractor | null;
  /** For clip, aesthetic and cmmd. */
  clip: { towers: ClipTowers; measure: ClipMeasure } | null;
  /** For aesthetic. */
  aesthetic: AestheticHead | null;
  /** By image name, for clip; null for captions that come with the images. */
  captions: ReadonlyMap<string, string> | null;
}

export interface Evaluation extends Scores {
  generated: ReadSet;
  reference: ReadSet | FeatureStatistics | null;
  duplicates: Duplicates;
}

export const isStatistics = (reference: object | null): reference is FeatureStatistics => reference !== null && 'comoment' in reference;

/** What features by this network carry. */
export const provenanceOf = ({ name, weightsHash, preprocess }: FeatureExtractor): FeatureProvenance => ({
  network: name,
  weightsHash,
  preset: preprocess.name,
  dtype: 'float32',
});

/**
 * Everything that can be wrong with the question itself, before a network is loaded or an image read.
 * @throws MetricsError missing-reference, captions-mismatch, too-few-samples
 */
export function checkQuestion({
  metrics,
  generated,
  reference,
  captions,
}: Pick<EvaluateOptions, 'metrics' | 'generated' | 'reference' | 'captions'>): void {
  checkReference(metrics, reference === null ? 'none' : isStatistics(reference) ? 'statistics' : 'images');
  if (metrics.includes('clip') && captions === null && generated.kind !== 'webdataset') {
    throw new MetricsError(
      'captions-mismatch',
      'clip needs captions: --captions FILE.csv with the columns file and caption (a webdataset brings its own)',
    );
  }
  if (generated.names !== null) {
    checkCount(metrics, 'generated', generated.names.length);
    if (captions !== null && metrics.includes('clip')) matchCaptions(generated.path, generated.names, captions);
  }
  if (reference !== null && !isStatistics(reference) && reference.names !== null) checkCount(metrics, 'reference', reference.names.length);
}

/**
 * Reads the sets once and measures.
 * @param onImage is told how many images of which set were read
 * @throws MetricsError as {@link checkQuestion}; provenance-mismatch for statistics of another network or preprocessing; what reading
 * and measuring throw
 */
export async function evaluate(
  options: EvaluateOptions,
  onImage: (set: 'generated' | 'reference', count: number) => void,
): Promise<Evaluation> {
  const { metrics, network, clip, aesthetic: head } = options;
  checkQuestion(options);
  const features = needs(metrics, 'features') ? given(network, 'a network') : null;
  const towers = needs(metrics, 'embeddings') ? given(clip, 'CLIP').towers : null;
  if (isStatistics(options.reference) && features !== null)
    checkSameProvenance('evaluate', provenanceOf(features), options.reference.provenance);
  if (metrics.includes('is')) inceptionOf(features!);

  const extractors = [features, towers?.image].filter((extractor) => extractor !== null && extractor !== undefined);
  const generated = await readSet(options.generated, extractors, (count) => onImage('generated', count));
  checkCount(metrics, 'generated', generated.names.length);
  const captions = metrics.includes('clip') ? captionsOf(generated, options.captions) : [];
  const compared = extractors.filter((extractor) =>
    metrics.some(
      (name) =>
        (METRICS[name].from === 'features') === (extractor === features) && (METRICS[name].reference !== 'none' || name === 'aesthetic'),
    ),
  );
  const reference =
    options.reference === null || isStatistics(options.reference)
      ? options.reference
      : await readSet(options.reference, compared, (count) => onImage('reference', count));
  const images = reference === null || isStatistics(reference) ? null : reference;
  if (images !== null) checkCount(metrics, 'reference', images.names.length);

  const own = (extractor: FeatureExtractor): Features => generated.features.get(extractor)!;
  const theirs = (extractor: FeatureExtractor): Features => images!.features.get(extractor)!;
  const compute = {
    fid: () => measure.fid(features!, own(features!), isStatistics(reference) ? reference : theirs(features!)),
    kid: () => measure.kid(features!, own(features!), theirs(features!)),
    prdc: () => measure.prdc(features!, own(features!), theirs(features!)),
    mind: () => measure.mindDistance(features!, own(features!), theirs(features!)),
    c2st: () => measure.c2st(features!, own(features!), theirs(features!)),
    is: () => measure.inception(inceptionOf(features!), own(features!)),
    clip: () => measure.clip(towers!, clip!.measure, own(towers!.image), captions),
    aesthetic: () =>
      measure.aesthetic(given(head, 'an aesthetic predictor'), towers!.name, own(towers!.image), images && theirs(towers!.image)),
    cmmd: () => measure.clipDiscrepancy(towers!.name, own(towers!.image), theirs(towers!.image)),
  } satisfies Record<MetricName, () => Scores | Promise<Scores>>;
  const results: Scores[] = [];
  for (const name of metrics) results.push(await compute[name]());
  return {
    generated,
    reference,
    duplicates: findDuplicates(generated, images),
    scores: results.flatMap(({ scores }) => scores),
    images: results.flatMap((result) => result.images),
    notes: results.flatMap(({ notes }) => notes),
  };
}

/** The statistics of a set that was read, for later evaluations. @throws MetricsError too-few-samples below two images */
export async function statisticsOf(set: ReadSet, network: FeatureExtractor): Promise<FeatureStatistics> {
  const accumulator = new StatisticsAccumulator(network.dimension, provenanceOf(network));
  await accumulator.add(set.features.get(network)!);
  return { ...(await accumulator.finish()), imageSet: set.imageSet };
}

function given<T>(value: T | null, what: string): T {
  if (value === null) throw new MetricsError('invalid-option', `these metrics need ${what}`);
  return value;
}

function inceptionOf(network: FeatureExtractor | InceptionExtractor): InceptionExtractor {
  if (!('logits' in network))
    throw new MetricsError('invalid-option', `the Inception Score needs FID's Inception network, not ${network.name}`, {
      network: network.name,
    });
  return network;
}

/** From the table, or those that came with the images. */
function captionsOf({ path, names, captions }: ReadSet, table: ReadonlyMap<string, string> | null): string[] {
  const own = new Map(names.flatMap((name, i) => (captions[i] ? [[name, captions[i]] as const] : [])));
  return matchCaptions(path, names, table ?? own);
}
