import { MetricsError } from '../errors.ts';
import type { Matrix } from '../linear-algebra/matrix.ts';

/** Feature vectors of N images, [N, D], row major. */
export interface Features {
  data: Float32Array | Float64Array;
  shape: readonly number[];
}

/** A row where nothing else names it. */
export const rowName = (row: number): string => `row ${row}`;

/**
 * Checks features and gives their size.
 * @param nameOf what a row is called in messages
 * @throws MetricsError invalid-shape unless [N, D] with N, D >= 1 and as many values; not-finite naming the first row and column with a NaN
 * or infinity
 */
export function checkFeatures(
  what: string,
  { data, shape }: Features,
  nameOf: (row: number) => string = rowName,
): { n: number; d: number } {
  const [n = 0, d = 0] = shape;
  if (shape.length !== 2 || n < 1 || d < 1 || data.length !== n * d) {
    throw new MetricsError(
      'invalid-shape',
      `Error in ${what}: expected features [N, D] with N * D values, got shape [${shape.join(', ')}] and ${data.length} values`,
      { shape, length: data.length },
    );
  }
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    const row = nameOf(Math.floor(i / d));
    throw new MetricsError('not-finite', `Error in ${what}: feature ${i % d} of ${row} is ${data[i]}`, {
      row,
      column: i % d,
      value: data[i],
    });
  }
  return { n, d };
}

/**
 * Checks two sets of features of the same dimension. @throws MetricsError as {@link checkFeatures}; invalid-shape when the dimensions
 * differ; too-few-samples below `least` rows
 */
export function checkPair(what: string, a: Features, b: Features, least = 2): { n: number; m: number; d: number } {
  const first = checkFeatures(`${what}, first set`, a);
  const second = checkFeatures(`${what}, second set`, b);
  if (first.d !== second.d)
    throw new MetricsError('invalid-shape', `Error in ${what}: the sets have features of dimension ${first.d} and ${second.d}`, {
      first: first.d,
      second: second.d,
    });
  for (const [name, { n }] of [
    ['first', first],
    ['second', second],
  ] as const) {
    if (n < least)
      throw new MetricsError('too-few-samples', `Error in ${what}: the ${name} set has ${n} rows, at least ${least} are needed`, {
        n,
        least,
      });
  }
  return { n: first.n, m: second.n, d: first.d };
}

/** The rows of features at the given places, in that order. */
export function rowsAt({ data, shape }: Features, rows: ArrayLike<number>): Features {
  const d = shape[1]!;
  const out = data instanceof Float64Array ? new Float64Array(rows.length * d) : new Float32Array(rows.length * d);
  for (let i = 0; i < rows.length; i++) out.set(data.subarray(rows[i]! * d, (rows[i]! + 1) * d), i * d);
  return { data: out, shape: [rows.length, d] };
}

/** Features as a matrix of doubles. */
export const toMatrix = ({ data, shape }: Features): Matrix => ({ data: Float64Array.from(data), rows: shape[0]!, columns: shape[1]! });
