import { matchCaptions, stemOf, type Captions, type ImageSource } from '@controllab/data';
import { MetricsError } from '../errors.ts';
import { isStatistics, type FeatureStatistics } from '../frechet/feature-statistics.ts';
import { CANNY_THRESHOLDS } from '../metrics/edges.ts';
import { mapNames, namesByStem } from './map-reader.ts';
import type { CannyThresholds } from './metric.ts';
import { METRIC_NAMES, metricOf, needing, needs, type MetricName } from './metric-table.ts';

/** What is to be measured, and of what. */
export interface Asked {
  readonly metrics: readonly MetricName[];
  readonly generated: ImageSource;
  /** Images, or statistics that an earlier evaluation kept; null where no metric needs one. */
  readonly reference: ImageSource | FeatureStatistics | null;
  /** By image name, for clip; null for captions that come with the images. */
  readonly captions: Captions | null;
  /** The maps that the images were conditioned on, named as the images; null where no metric needs them. */
  readonly conditions?: ImageSource | null;
  /** The same maps as an estimator of the user's found them in the generated images. */
  readonly predicted?: ImageSource | null;
  /** Of the edges that are found in the images: 100 and 200 by default. */
  readonly canny?: CannyThresholds;
}

/** A question that `checkQuestion` let pass. */
export interface Question extends Required<Asked> {
  readonly checked: true;
}

/**
 * Everything that can be wrong with the question itself, before a network is loaded or an image read.
 * @throws MetricsError missing-reference, captions-mismatch, too-few-samples, missing-conditions, duplicate-name, invalid-option for what
 * no metric looks at; DataError captions-mismatch
 */
export function checkQuestion(asked: Asked): Question {
  const { metrics, generated, reference, captions, conditions = null, predicted = null, canny = CANNY_THRESHOLDS } = asked;
  checkReference(metrics, reference === null ? 'none' : isStatistics(reference) ? 'statistics' : 'images');
  if (captions !== null && !needs(metrics, 'captions'))
    throw new MetricsError(
      'invalid-option',
      `none of ${metrics.join(', ')} reads captions: add clip to --metrics, or leave --captions out`,
      {
        metrics,
      },
    );
  if (needs(metrics, 'captions') && captions === null && generated.kind !== 'webdataset') {
    throw new MetricsError(
      'captions-mismatch',
      `${needing(metrics, 'captions').join(', ')} needs captions: --captions FILE.csv with the columns file and caption (a webdataset brings its own)`,
    );
  }
  checkCount(metrics, 'generated', generated.names.length);
  if (captions !== null) matchCaptions(generated.path, generated.names, captions);
  if (reference !== null && !isStatistics(reference)) checkCount(metrics, 'reference', reference.names.length);
  checkMaps(metrics, 'conditions', generated, conditions);
  checkMaps(metrics, 'predicted', generated, predicted);
  return { ...asked, conditions, predicted, canny, checked: true };
}

/** Metrics that statistics will do for. */
const TAKE_STATISTICS = METRIC_NAMES.filter((name) => metricOf(name).reference === 'statistics');

/**
 * @throws MetricsError missing-reference naming the metrics that lack one, or need its images where there are only statistics;
 * invalid-option for a reference in vain
 */
function checkReference(metrics: readonly MetricName[], reference: 'none' | 'statistics' | 'images'): void {
  if (reference !== 'none' && metrics.every((name) => metricOf(name).reference === 'none'))
    throw new MetricsError('invalid-option', `none of ${metrics.join(', ')} looks at a reference: leave --reference out`, { metrics });
  const lacking = metrics.filter((name) => {
    const least = metricOf(name).reference;
    return least === 'images' || (least === 'statistics' && reference === 'none');
  });
  if (lacking.length === 0 && reference === 'statistics' && !metrics.some((name) => TAKE_STATISTICS.includes(name)))
    throw new MetricsError(
      'invalid-option',
      `the reference is statistics, which ${TAKE_STATISTICS.join(', ')} alone takes: give the images for ${metrics.join(', ')}, or leave --reference out`,
      { metrics },
    );
  if (lacking.length === 0 || reference === 'images') return;
  const why =
    reference === 'none'
      ? 'needs a reference: --reference FOLDER, or a .zip or .tar'
      : 'needs the reference images; statistics hold only their mean and covariance';
  throw new MetricsError('missing-reference', `${lacking.join(', ')} ${why}`, { metrics: lacking });
}

/** @throws MetricsError too-few-samples naming the metric and the set */
export function checkCount(metrics: readonly MetricName[], set: 'generated' | 'reference', count: number): void {
  const suffices = (name: MetricName): boolean =>
    count >= metricOf(name).least || (set === 'reference' && metricOf(name).reference === 'none');
  for (const name of metrics) {
    const { least } = metricOf(name);
    if (!suffices(name)) {
      const others = metrics.filter(suffices);
      const remedy = others.length > 0 ? `leave it out with --metrics ${others.join(',')}` : 'see --metrics for those that need fewer';
      throw new MetricsError('too-few-samples', `${name} needs at least ${least} ${set} images, got ${count}; ${remedy}`, {
        name,
        set,
        least,
        count,
      });
    }
  }
}

const MAPS = {
  conditions: 'the maps that the images were conditioned on: --condition FOLDER, or a .zip or .tar',
  predicted: 'the maps that an estimator of yours finds in the images: --predicted FOLDER, or a .zip or .tar',
};

/** Names that a message gives as examples. */
const NAMED = 5;

/** @throws MetricsError missing-conditions unless there is a map for each image; duplicate-name; invalid-option for maps in vain */
function checkMaps(metrics: readonly MetricName[], which: keyof typeof MAPS, generated: ImageSource, maps: ImageSource | null): void {
  const lacking = needing(metrics, which);
  if (lacking.length === 0 && maps !== null)
    throw new MetricsError('invalid-option', `${maps.path}: none of ${metrics.join(', ')} looks at these maps`, { metrics });
  if (lacking.length === 0) return;
  const fail = (why: string): never => {
    throw new MetricsError('missing-conditions', `${lacking.join(', ')} needs ${why}`, { metrics: lacking });
  };
  if (maps === null) return fail(MAPS[which]);
  const byStem = mapNames(maps);
  const images = [...namesByStem(generated, 'images that one map would belong to').values()];
  const without = images.filter((name) => !byStem.has(stemOf(name)));
  if (without.length > 0) {
    const examples = `${without.slice(0, NAMED).join(', ')}${without.length > NAMED ? ', ...' : ''}`;
    fail(`a map of the same name for each image: ${without.length} of ${images.length} have none in ${maps.path}: ${examples}`);
  }
}
