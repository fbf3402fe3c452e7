import { MetricsError } from '../errors.ts';

interface MetricNeeds {
  what: string;
  /** Features of the network (Inception, or another), or embeddings by CLIP. */
  from: 'features' | 'embeddings';
  /** Least that it needs of the reference: statistics will do for a Frechet distance. */
  reference: 'none' | 'statistics' | 'images';
  /** Fewest images of a set. */
  least: number;
}

/** What can be measured, by the names that `--metrics` takes. */
export const METRICS = {
  fid: { what: 'Frechet distance, and corrected for its bias', from: 'features', reference: 'statistics', least: 2 },
  kid: { what: 'kernel distance', from: 'features', reference: 'images', least: 2 },
  prdc: { what: 'precision and recall, density and coverage', from: 'features', reference: 'images', least: 6 },
  mind: { what: 'sliced Wasserstein distance', from: 'features', reference: 'images', least: 2 },
  c2st: { what: 'can a classifier tell the sets apart', from: 'features', reference: 'images', least: 20 },
  is: { what: 'Inception Score', from: 'features', reference: 'none', least: 1 },
  clip: { what: 'CLIP score of the captions', from: 'embeddings', reference: 'none', least: 1 },
  aesthetic: { what: 'LAION aesthetic score', from: 'embeddings', reference: 'none', least: 1 },
  cmmd: { what: 'kernel distance of CLIP embeddings', from: 'embeddings', reference: 'images', least: 2 },
} as const satisfies Record<string, MetricNeeds>;

export type MetricName = keyof typeof METRICS;

/** @throws MetricsError unknown-metric, listing the known ones; duplicate-name */
export function metricNames(list: string): MetricName[] {
  const names = list.split(',').map((name) => name.trim());
  for (const [i, name] of names.entries()) {
    if (!Object.hasOwn(METRICS, name))
      throw new MetricsError('unknown-metric', `there is no metric "${name}"; there are ${Object.keys(METRICS).join(', ')}`, { name });
    if (names.indexOf(name) !== i) throw new MetricsError('duplicate-name', `the metric ${name} is asked for twice`, { name });
  }
  return names as MetricName[];
}

export const needs = (metrics: readonly MetricName[], from: MetricNeeds['from']): boolean =>
  metrics.some((name) => METRICS[name].from === from);

/** @throws MetricsError missing-reference naming the metrics that lack one, or need its images where there are only statistics */
export function checkReference(metrics: readonly MetricName[], reference: 'none' | 'statistics' | 'images'): void {
  const lacking = metrics.filter(
    (name) => METRICS[name].reference === 'images' || (METRICS[name].reference === 'statistics' && reference === 'none'),
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
  for (const name of metrics) {
    const { least, reference } = METRICS[name];
    if (count < least && (set === 'generated' || reference !== 'none')) {
      throw new MetricsError('too-few-samples', `${name} needs at least ${least} ${set} images, got ${count}`, { name, set, least, count });
    }
  }
}
