import { MetricsError } from '../errors.ts';
import { checkFeatures, rowName, type Features } from '../features/feature-vectors.ts';
import { doubleGraph, gemm } from '../linear-algebra/double-graph.ts';
import { zeros, type Matrix } from '../linear-algebra/matrix.ts';
import { EMPTY_IMAGE_SET, imageSetOf, uniteImageSets, type ImageSet } from './image-set.ts';
import { checkSameProvenance, type FeatureProvenance } from './provenance.ts';

/** Count, mean and co-moments of feature vectors: all that a Frechet distance needs of a set of images. */
export interface FeatureStatistics {
  /** Images; null where a file does not say. */
  readonly n: number | null;
  /** [D] */
  readonly mean: Float64Array;
  /** [D, D]: the sum of (x - mean)(x - mean)'; where n is not known, the covariance. */
  readonly comoment: Matrix;
  /** null where a file does not say. */
  readonly provenance: FeatureProvenance | null;
  /** The images behind the features; null when they were not named. */
  readonly imageSet: ImageSet | null;
}

/** Statistics that were gathered here: what they are of is known. */
export interface GatheredStatistics extends FeatureStatistics {
  readonly n: number;
  readonly provenance: FeatureProvenance;
}

export const isStatistics = (set: object | null): set is FeatureStatistics => set !== null && 'comoment' in set;

/** Rows that are gathered before they are multiplied: with a fixed number the result does not depend on the batches, to the last bit. */
const BLOCK = 1024;

const addProduct = doubleGraph(['x', 'c'], ['y'], [gemm('y', 'x', 'x', { transA: 1, plus: 'c' })]);

/**
 * Gathers statistics from batches of features, in float64. Blocks of rows are centred on their own mean and merged by the update of
 * Chan, Golub & LeVeque (1979), so nothing cancels, however large the mean is beside the spread.
 */
export class StatisticsAccumulator {
  readonly dimension: number;
  readonly #provenance: FeatureProvenance;
  readonly #rows: Float64Array;
  readonly #mean: Float64Array;
  #waiting = 0;
  #merged = 0;
  #comoment: Matrix;
  #imageSet: ImageSet | null = EMPTY_IMAGE_SET;

  /** @param dimension features per image, D */
  constructor(dimension: number, provenance: FeatureProvenance) {
    if (!Number.isInteger(dimension) || dimension < 1)
      throw new MetricsError('invalid-shape', `Error in StatisticsAccumulator: expected a dimension of at least 1, got ${dimension}`, {
        dimension,
      });
    this.dimension = dimension;
    this.#provenance = provenance;
    this.#rows = new Float64Array((BLOCK + 1) * dimension); // one more, for the step from mean to mean
    this.#mean = new Float64Array(dimension);
    this.#comoment = zeros(dimension, dimension);
  }

  /**
   * Adds a batch; wait for it before the next.
   * @param batch [B, D]
   * @param images the B images' bytes, for the hash of the image set; a set of which some are not given has none
   * @throws MetricsError invalid-shape; not-finite naming the row, counted over all batches. A refused batch leaves the statistics as they
   * were.
   */
  async add(batch: Features, images?: readonly Uint8Array[]): Promise<void> {
    const { n, d } = checkFeatures('StatisticsAccumulator.add', batch, (row) => rowName(this.#merged + this.#waiting + row));
    if (d !== this.dimension)
      throw new MetricsError(
        'invalid-shape',
        `Error in StatisticsAccumulator.add: expected features of dimension ${this.dimension}, got ${d}`,
        { expected: this.dimension, got: d },
      );
    if (images !== undefined && images.length !== n)
      throw new MetricsError('invalid-shape', `Error in StatisticsAccumulator.add: got ${n} rows of features of ${images.length} images`, {
        rows: n,
        images: images.length,
      });
    this.#imageSet = images === undefined || this.#imageSet === null ? null : images.map(imageSetOf).reduce(uniteImageSets, this.#imageSet);
    for (let row = 0; row < n;) {
      const take = Math.min(n - row, BLOCK - this.#waiting);
      this.#rows.set(batch.data.subarray(row * d, (row + take) * d), this.#waiting * d);
      this.#waiting += take;
      row += take;
      if (this.#waiting === BLOCK) await this.#mergeRows();
    }
  }

  /** The statistics of what was added. @throws MetricsError too-few-samples below two rows: there is no covariance then */
  async finish(): Promise<GatheredStatistics> {
    if (this.#waiting > 0) await this.#mergeRows();
    if (this.#merged < 2)
      throw new MetricsError(
        'too-few-samples',
        `Error in StatisticsAccumulator.finish: a covariance needs at least 2 rows of features, got ${this.#merged}`,
        { n: this.#merged },
      );
    return { n: this.#merged, mean: this.#mean.slice(), comoment: this.#comoment, provenance: this.#provenance, imageSet: this.#imageSet };
  }

  async #mergeRows(): Promise<void> {
    const d = this.dimension;
    const count = this.#waiting;
    const rows = this.#rows;
    const mean = columnMeans(rows, count, d);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < d; j++) rows[i * d + j]! -= mean[j]!;
    }
    const total = this.#merged + count;
    const weight = Math.sqrt((this.#merged * count) / total);
    for (let j = 0; j < d; j++) {
      const step = mean[j]! - this.#mean[j]!;
      rows[count * d + j] = weight * step;
      this.#mean[j]! += (step * count) / total;
    }
    this.#comoment = (
      await addProduct({ x: { data: rows.subarray(0, (count + 1) * d), rows: count + 1, columns: d }, c: this.#comoment })
    ).y;
    this.#merged = total;
    this.#waiting = 0;
  }
}

/** The statistics of features that are all there. @throws MetricsError as {@link StatisticsAccumulator} */
export async function gatherStatistics(features: Features, provenance: FeatureProvenance): Promise<GatheredStatistics> {
  const accumulator = new StatisticsAccumulator(features.shape[1] ?? 0, provenance);
  await accumulator.add(features);
  return accumulator.finish();
}

/** Means of the columns of [n, d]. */
export function columnMeans(data: ArrayLike<number>, n: number, d: number): Float64Array {
  const mean = new Float64Array(d);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < d; j++) mean[j]! += data[i * d + j]!;
  }
  for (let j = 0; j < d; j++) mean[j]! /= n;
  return mean;
}

/**
 * The statistics of two disjoint sets of images together: as if all had been added to one accumulator, to rounding.
 * @throws MetricsError provenance-mismatch naming the fields; invalid-shape when the dimensions differ
 */
export function mergeStatistics(a: GatheredStatistics, b: GatheredStatistics): GatheredStatistics {
  checkSameProvenance('mergeStatistics', a.provenance, b.provenance);
  checkSameDimension('mergeStatistics', a, b);
  const d = a.mean.length;
  const n = a.n + b.n;
  const step = a.mean.map((mean, j) => b.mean[j]! - mean);
  const mean = a.mean.map((x, j) => x + (step[j]! * b.n) / n);
  const weight = (a.n * b.n) / n;
  const comoment = zeros(d, d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++)
      comoment.data[i * d + j] = a.comoment.data[i * d + j]! + b.comoment.data[i * d + j]! + weight * step[i]! * step[j]!;
  }
  return { n, mean, comoment, provenance: a.provenance, imageSet: a.imageSet && b.imageSet && uniteImageSets(a.imageSet, b.imageSet) };
}

/** @throws MetricsError invalid-shape */
function checkSameDimension(what: string, a: FeatureStatistics, b: FeatureStatistics): void {
  if (a.mean.length !== b.mean.length) {
    throw new MetricsError('invalid-shape', `Error in ${what}: the statistics have dimension ${a.mean.length} and ${b.mean.length}`, {
      first: a.mean.length,
      second: b.mean.length,
    });
  }
}

/** The covariance matrix, with N - 1 in the denominator: [D, D]. */
export function covariance({ n, comoment }: FeatureStatistics): Matrix {
  return n === null ? comoment : { ...comoment, data: comoment.data.map((x) => x / (n - 1)) };
}
