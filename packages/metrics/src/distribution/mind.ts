import { normal } from '@controllab/data';
import { checkPair, toMatrix, type Features } from '../features/feature-vectors.ts';
import { MetricsError } from '../errors.ts';
import { doubleGraph, gemm } from '../linear-algebra/double-graph.ts';
import { zeros, type Matrix } from '../linear-algebra/matrix.ts';

/** Directions that are projected on in one call. */
const BLOCK = 64;

const project = doubleGraph(['directions', 'x'], ['y'], [gemm('y', 'directions', 'x', { transB: 1 })]);

export interface MindOptions {
  seed?: number;
  /** Random directions; their number sets the standard error, not the expectation. */
  directions?: number;
}

export interface Mind {
  /** 3 D times the mean over directions of the squared Wasserstein distance of the projections. */
  value: number;
  /** From the choice of the directions alone: not of the images. */
  standardError: number;
  directions: number;
  seed: number;
  n: number;
  m: number;
}

/**
 * Monge Inception distance: the sliced Wasserstein distance, squared, times 3 D, so that it is on FID's scale. The projections'
 * distance is exact, by sorting, also between sets of different sizes.
 * Source: Berthet et al., "MIND: Monge Inception Distance for generative models evaluation" (arXiv 2605.06797).
 * @throws MetricsError invalid-shape; not-finite; too-few-samples below 2 rows; invalid-option for fewer than 2 directions
 */
export async function mind(a: Features, b: Features, { seed = 0, directions = 1024 }: MindOptions = {}): Promise<Mind> {
  if (!Number.isInteger(directions) || directions < 2)
    throw new MetricsError('invalid-option', `Error in mind: expected at least 2 directions, got ${directions}`, { directions });
  const { n, m, d } = checkPair('mind', a, b);
  const x = toMatrix(a);
  const y = toMatrix(b);
  const values: number[] = [];
  for (let first = 0; first < directions; first += BLOCK) {
    const block = randomDirections(seed, first, Math.min(BLOCK, directions - first), d);
    const p = (await project({ directions: block, x })).y;
    const q = (await project({ directions: block, x: y })).y;
    for (let i = 0; i < block.rows; i++)
      values.push(squaredWasserstein(p.data.subarray(i * n, (i + 1) * n).sort(), q.data.subarray(i * m, (i + 1) * m).sort()));
  }
  const mean = values.reduce((s, v) => s + v, 0) / directions;
  const variance = values.reduce((s, v) => s + (v - mean) ** 2, 0) / (directions - 1);
  return { value: 3 * d * mean, standardError: 3 * d * Math.sqrt(variance / directions), directions, seed, n, m };
}

/** Uniform on the sphere: normal vectors scaled to length 1. [count, d] */
function randomDirections(seed: number, first: number, count: number, d: number): Matrix {
  const out = zeros(count, d);
  for (let i = 0; i < count; i++) {
    const z = normal(seed, 'mind directions', first + i, d);
    const length = Math.sqrt(z.reduce((sum, v) => sum + v * v, 0));
    for (let j = 0; j < d; j++) out.data[i * d + j] = z[j]! / length;
  }
  return out;
}

/** Of two sorted samples: the integral of the squared difference of their quantile functions. */
function squaredWasserstein(x: Float64Array, y: Float64Array): number {
  const n = x.length;
  const m = y.length;
  let sum = 0;
  // Steps of the quantile functions lie at multiples of 1 / n and 1 / m; counted in units of 1 / (n m).
  for (let i = 0, j = 0, at = 0; i < n && j < m;) {
    const next = Math.min((i + 1) * m, (j + 1) * n);
    sum += (next - at) * (x[i]! - y[j]!) ** 2;
    at = next;
    if (at === (i + 1) * m) i++;
    if (at === (j + 1) * n) j++;
  }
  return sum / (n * m);
}
