import { matchCaptions, type Captions } from '@controllab/data';
import type { AestheticHead } from '../aesthetic/head.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import { isStatistics, StatisticsAccumulator, type FeatureStatistics, type GatheredStatistics } from '../frechet/feature-statistics.ts';
import { differingFields, type FeatureProvenance } from '../frechet/provenance.ts';
import { MetricsError } from '../errors.ts';
import { ONNX_INPUTS } from '../features/onnx-extractor.ts';
import { PRESETS } from '../inception/presets.ts';
import { findDuplicates, type Duplicates } from './duplicates.ts';
import { scoreMaps, type ReadMaps } from './map-scores.ts';
import { given, type MetricInputs, type SetMetric } from './metric.ts';
import { metricOf, needs, type MetricName } from './metric-table.ts';
import { checkCount, type Question } from './question.ts';
import { readSet, type ReadSet } from './read-set.ts';
import type { Scores } from './score.ts';

/** What the metrics compute with; null for what none of them needs. */
export interface Networks {
  /** FID's Inception, or any other network: for what needs features. */
  network: FeatureExtractor | null;
  /** For what needs embeddings. */
  clip: MetricInputs['clip'];
  /** For aesthetic. */
  predictor: AestheticHead | null;
}

export interface Evaluation extends Scores {
  generated: ReadSet;
  reference: ReadSet | FeatureStatistics | null;
  maps: ReadMaps;
  duplicates: Duplicates;
}

/** What features by this network carry. */
export const provenanceOf = ({ name, weightsHash, preprocess }: FeatureExtractor): FeatureProvenance => ({
  network: name,
  weightsHash,
  preset: preprocess.name,
  dtype: 'float32',
});

/**
 * Reads the sets once and measures.
 * @param onImage is told how many images of which set were read
 * @throws MetricsError provenance-mismatch for statistics of another network or preprocessing; what reading and measuring throw
 */
export async function evaluate(
  question: Question,
  networks: Networks,
  onImage: (set: 'generated' | 'reference', count: number) => void,
): Promise<Evaluation> {
  const { metrics } = question;
  const features = needs(metrics, 'features') ? given(networks.network, 'a network') : null;
  const clip = needs(metrics, 'embeddings') ? given(networks.clip, 'CLIP') : null;
  if (isStatistics(question.reference) && features !== null) checkStatistics(features, question.reference);
  const extractorOf = (name: MetricName): FeatureExtractor | null =>
    needs([name], 'features') ? features : needs([name], 'embeddings') ? clip!.towers.image : null;
  const { predictor } = networks;
  for (const [name, metric] of setMetrics(metrics)) metric.checkNetwork?.(extractorOf(name)!, { clip, predictor });

  const extractors = unique(metrics.map(extractorOf));
  const maps = scoreMaps(question);
  const generated = await readSet(question.generated, extractors, (count) => onImage('generated', count), maps.add).finally(maps.close);
  checkCount(metrics, 'generated', generated.names.length);
  const captions = needs(metrics, 'captions') ? captionsOf(generated, question.captions) : null;
  const reference =
    question.reference === null || isStatistics(question.reference)
      ? question.reference
      : await readSet(question.reference, unique(metrics.filter((name) => metricOf(name).reference !== 'none').map(extractorOf)), (count) =>
          onImage('reference', count),
        );
  const images = reference === null || isStatistics(reference) ? null : reference;
  if (images !== null) checkCount(metrics, 'reference', images.names.length);

  const inputsOf = (name: MetricName): MetricInputs => {
    const extractor = extractorOf(name)!;
    // Statistics are of the network's features: they say nothing of CLIP's.
    const theirs = images?.features.get(extractor) ?? (isStatistics(reference) && extractor === features ? reference : null);
    const hashes = { generated: generated.hashes, reference: images?.hashes ?? null };
    const own = generated.features.get(extractor)!;
    return { extractor, generated: own, reference: theirs, hashes, captions, clip, predictor };
  };
  const bySet = new Map<MetricName, Scores>();
  for (const [name, metric] of setMetrics(metrics)) bySet.set(name, await metric.compute(inputsOf(name)));
  const byMap = maps.finish();
  const results = metrics.map((name) => (bySet.get(name) ?? byMap.get(name))!);
  return {
    generated,
    reference,
    maps: maps.read,
    duplicates: findDuplicates(generated, images),
    scores: results.flatMap(({ scores }) => scores),
    images: results.flatMap((result) => result.images),
    notes: [
      ...results.flatMap(({ notes }) => notes),
      ...(isStatistics(reference) && reference.provenance === null && features !== null ? [originNote(features)] : []),
      ...(clip?.towers.image.preprocess.crops ? cropNotes({ generated, reference: images }) : []),
    ],
  };
}

/** What --preset takes, of Inception or of another network. */
const KNOWN_PRESETS: readonly string[] = [...Object.keys(PRESETS), ...Object.keys(ONNX_INPUTS)];

/**
 * @throws MetricsError provenance-mismatch for statistics of another network or preprocessing; invalid-shape where they are of other
 * dimensions
 */
function checkStatistics(features: FeatureExtractor, statistics: FeatureStatistics): void {
  const [own, theirs] = [provenanceOf(features), statistics.provenance];
  const differing = theirs === null ? [] : differingFields(own, theirs);
  if (theirs !== null && differing.length > 0) {
    const list = differing.map((field) => `${field} '${theirs[field]}', here '${own[field]}'`).join('; ');
    const remedy =
      differing.join() === 'preset' && KNOWN_PRESETS.includes(theirs.preset)
        ? `give --preset ${theirs.preset}`
        : 'make them again from the reference images (--save-reference)';
    throw new MetricsError('provenance-mismatch', `the reference's statistics were made in another way: ${list}; ${remedy}`, {
      fields: differing,
      first: own,
      second: theirs,
    });
  }
  const d = statistics.mean.length;
  if (d !== features.dimension)
    throw new MetricsError(
      'invalid-shape',
      `the reference's statistics are of ${d} features, ${features.name} has ${features.dimension}: they are of another network`,
      { statistics: d, network: features.dimension },
    );
}

const originNote = (features: FeatureExtractor): string =>
  `The reference's statistics do not say what made them. The distance is right only if that was ${features.name} with images prepared as here (${features.preprocess.name}). For FID's Inception, pytorch-fid's files want --preset pytorch-fid, those of TTUR and ADM --preset tf1, clean-fid's --preset clean.`;

const cropNotes = (sets: { generated: ReadSet; reference: ReadSet | null }): string[] =>
  Object.entries(sets).flatMap(([name, set]) =>
    set === null || set.oblong.count === 0
      ? []
      : [
          `CLIP sees the middle square of an image: of ${set.oblong.count} of ${set.names.length} ${name} images the sides (or top and bottom) are cut off, up to ${(100 * set.oblong.outside).toFixed(0)}% of one.`,
        ],
  );

/** The statistics of a set that was read, for later evaluations. @throws MetricsError too-few-samples below two images */
export async function statisticsOf(set: ReadSet, network: FeatureExtractor): Promise<GatheredStatistics> {
  const accumulator = new StatisticsAccumulator(network.dimension, provenanceOf(network));
  await accumulator.add(set.features.get(network)!);
  return { ...(await accumulator.finish()), imageSet: set.imageSet };
}

/** Those of the metrics that are of whole sets. */
function setMetrics(metrics: readonly MetricName[]): [MetricName, SetMetric][] {
  const found: [MetricName, SetMetric][] = [];
  for (const name of metrics) {
    const metric = metricOf(name);
    if ('compute' in metric) found.push([name, metric]);
  }
  return found;
}

const unique = (extractors: readonly (FeatureExtractor | null)[]): FeatureExtractor[] => [
  ...new Set(extractors.filter((extractor) => extractor !== null)),
];

/** From the table, or those that came with the images. */
function captionsOf({ path, names, captions }: ReadSet, table: Captions | null): (readonly string[])[] {
  const own = new Map(names.flatMap((name, i) => (captions[i] ? [[name, [captions[i]]] as const] : [])));
  return matchCaptions(path, names, table ?? own);
}
