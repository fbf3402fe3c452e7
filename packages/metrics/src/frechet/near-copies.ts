import { MetricsError } from '../errors.ts';
import { featureKeys, type ContentKeys } from '../features/content-order.ts';
import { rowsAt, toMatrix, type Features } from '../features/feature-vectors.ts';
import { zeros, type Matrix } from '../linear-algebra/matrix.ts';
import { doubtOf, forPairs, rowProducts, squaredDistance, squaresOf, type Rows } from '../linear-algebra/pair-distances.ts';
import { samePartners, type Partners } from './content-groups.ts';

/** A near copy is at most this share, squared, as far away as the next row of its set. */
const SQUARED_SHARE = 1 / 16;

/** Rows of either set that span the space in which all pairs are compared: it holds most of what tells images apart. */
const SPANNING = 32;

/** Rows that are taken to that space in one call. */
const BLOCK = 1024;

/** Rows whose part beside the others' span is a smaller share of them than this are taken to lie in it. */
const DEPENDENT = 1e-6;

/** A set whose images are told apart by keys of their content, such as hashes of their pixels; by default by their features. */
export interface KeyedFeatures extends Features {
  keys?: ContentKeys;
}

/** The same, with its keys. */
export interface KeyedSet {
  readonly features: Features;
  readonly keys: ContentKeys;
}

/** @throws MetricsError invalid-shape unless there is a key for each row */
export function keyed(what: string, { keys, ...features }: KeyedFeatures): KeyedSet {
  const n = features.shape[0]!;
  if (keys !== undefined && keys.length !== n)
    throw new MetricsError('invalid-shape', `Error in ${what}: got ${keys.length} keys of ${n} rows`, { keys: keys.length, n });
  return { features, keys: keys ?? featureKeys(features) };
}

/** Each image of a set once: its first row, and where that is. */
export function distinctRows(set: KeyedSet): KeyedSet & { readonly rows: Uint32Array } {
  const seen = new Set<string>();
  const rows = Uint32Array.from(set.keys.keys()).filter((row) => seen.size < seen.add(set.keys[row]!).size);
  if (rows.length === set.keys.length) return { ...set, rows };
  return { features: rowsAt(set.features, rows), keys: Array.from(rows, (row) => set.keys[row]!), rows };
}

/** Partners of one key, and near copies among the other rows; of an image that is in its set several times, those of its first row. */
export async function partnersOf(a: KeyedSet, b: KeyedSet): Promise<Partners> {
  // Beside a copy of itself no row is the nearest by far.
  const [first, second] = [distinctRows(a), distinctRows(b)];
  const found = samePartners(first.keys, second.keys);
  await addNearCopies(found, first.features, second.features);
  const partners = new Int32Array(a.keys.length).fill(-1);
  for (const [i, j] of found.entries()) if (j >= 0) partners[first.rows[i]!] = second.rows[j]!;
  return partners;
}

/**
 * Adds rows that are near copies of each other, such as the same image compressed again: each the other's nearest by far. Rows of
 * independent sets are none: their nearest and their second nearest lie about as far away.
 *
 * Exact, without the distances of all pairs, which of two sets of 50,000 take minutes. Seen from a few directions, no two rows are further
 * apart than they are, and a row's second nearest is no further away than the second nearest of some: what may be a near copy by
 * both bounds is measured.
 */
export async function addNearCopies(partners: Partners, a: Features, b: Features): Promise<void> {
  const taken = new Set(partners);
  const rows = Uint32Array.from(partners.keys()).filter((i) => partners[i]! < 0);
  const columns = Uint32Array.from({ length: b.shape[0]! }, (_, j) => j).filter((j) => !taken.has(j));
  // Without a second nearest nothing tells how far is near.
  if (rows.length < 2 || columns.length < 2) return;
  const [some, others] = [toMatrix(rowsAt(a, evenly(rows))), toMatrix(rowsAt(b, evenly(columns)))];
  const directions = orthonormal([some, others]);
  const p = await seenFrom(directions, a, rows, others);
  const q = await seenFrom(directions, b, columns, some);
  const [x, y] = [a, b].map(({ data, shape }) => ({ data, columns: shape[1]! })) as [Rows, Rows];
  const squared = (i: number, j: number): number => squaredDistance(x, rows[i]!, y, columns[j]!);

  const [ofRow, ofColumn] = [new Nearest(p, q), new Nearest(q, p)];
  const see = (i: number, j: number, rough: number): void => {
    if (rough > ofRow.limit[i]! || rough > ofColumn.limit[j]! || (ofRow.isSettled(i) && ofColumn.isSettled(j))) return;
    const found = squared(i, j);
    ofRow.see(i, j, found);
    ofColumn.see(j, i, found);
  };
  await forPairs(p.points, p.lengths, q.points, q.lengths, see, ofRow.limit);
  const pairs = [...rows.keys()].filter((i) => isPair(ofRow, ofColumn, i));
  // Only what may be near was measured: now whatever may be too near to the two of a pair for them to be alone.
  const theirs = pairs.map((i) => ofRow.which[i]!);
  await seeAround(pairs, ofRow, p, q, squared);
  await seeAround(theirs, ofColumn, q, p, (j, i) => squared(i, j));
  for (const i of pairs) if (isPair(ofRow, ofColumn, i)) partners[rows[i]!] = columns[ofRow.which[i]!]!;
}

/** Each of the other's nearest, by far. */
function isPair(ofRow: Nearest, ofColumn: Nearest, i: number): boolean {
  const j = ofRow.which[i]!;
  return j >= 0 && ofColumn.which[j] === i && ofRow.isAlone(i) && ofColumn.isAlone(j);
}

/** The nearest and second nearest of each row among those that were seen. */
class Nearest {
  readonly which: Int32Array;
  /** Squared distance, as it is seen, up to which a row may be a near copy. */
  readonly limit: Float64Array;
  readonly #doubt: Float64Array;
  readonly #first: Float64Array;
  readonly #second: Float64Array;

  constructor({ second, doubt }: Seen, other: Seen) {
    const most = other.doubt.reduce((a, b) => Math.max(a, b), 0);
    this.#doubt = doubt.map((own) => own + most);
    this.which = new Int32Array(second.length).fill(-1);
    this.limit = second.map((squared, row) => SQUARED_SHARE * squared + this.#doubt[row]!);
    this.#first = new Float64Array(second.length).fill(Infinity);
    this.#second = new Float64Array(second.length).fill(Infinity);
  }

  see(row: number, other: number, squared: number): void {
    if (squared >= this.#second[row]!) return;
    if (squared < this.#first[row]!) {
      this.#second[row] = this.#first[row]!;
      this.#first[row] = squared;
      this.which[row] = other;
    } else this.#second[row] = squared;
    this.limit[row] = Math.min(this.limit[row]!, SQUARED_SHARE * this.#second[row]! + this.#doubt[row]!);
  }

  isAlone(row: number): boolean {
    return this.#first[row]! <= SQUARED_SHARE * this.#second[row]!;
  }

  /** Squared distances, as they are seen, beyond which nothing is near enough for these rows not to be alone. */
  around(rows: readonly number[]): Float64Array {
    return Float64Array.from(rows, (row) => this.#first[row]! / SQUARED_SHARE + this.#doubt[row]!);
  }

  /** Whether nothing can be nearer than what was seen. */
  isSettled(row: number): boolean {
    return this.#second[row] === 0;
  }
}

/** Rows of a set as they are seen from some directions. */
interface Seen {
  points: Matrix;
  /** Squared lengths of the points. */
  lengths: Float64Array;
  /** By how much rounding may change a squared distance from the row, see `doubtOf`. */
  doubt: Float64Array;
  /** A squared distance that the second nearest row of the other set lies within. */
  second: Float64Array;
}

/** @param others some rows of the other set */
async function seenFrom(directions: Matrix, features: Features, rows: Uint32Array, others: Matrix): Promise<Seen> {
  const points = zeros(rows.length, directions.rows);
  const [doubt, second] = [new Float64Array(rows.length), new Float64Array(rows.length)];
  const squaresOfOthers = squaresOf(others);
  for (let from = 0; from < rows.length; from += BLOCK) {
    const x = toMatrix(rowsAt(features, rows.subarray(from, from + BLOCK)));
    const squares = squaresOf(x);
    points.data.set((await rowProducts({ x, y: directions })).g.data, from * directions.rows);
    for (const [i, square] of squares.entries()) doubt[from + i] = doubtOf(square, 0);
    const nearest = new Float64Array(x.rows).fill(Infinity);
    second.fill(Infinity, from, from + x.rows);
    await forPairs(x, squares, others, squaresOfOthers, (i, j, rough) => {
      const most = rough + doubtOf(squares[i]!, squaresOfOthers[j]!);
      second[from + i] = Math.min(second[from + i]!, Math.max(nearest[i]!, most));
      nearest[i] = Math.min(nearest[i]!, most);
    });
  }
  return { points, lengths: squaresOf(points), doubt, second };
}

/** Shows rows of one set whatever may be so near to them that their nearest is not alone. */
async function seeAround(
  rows: readonly number[],
  of: Nearest,
  own: Seen,
  other: Seen,
  squared: (row: number, other: number) => number,
): Promise<void> {
  const part = toMatrix(rowsAt({ data: own.points.data, shape: [own.points.rows, own.points.columns] }, rows));
  const see = (r: number, j: number): void => {
    const i = rows[r]!;
    if (j !== of.which[i]) of.see(i, j, squared(i, j));
  };
  await forPairs(part, squaresOf(part), other.points, other.lengths, see, of.around(rows));
}

/** At most so many of the rows as span the space, evenly spaced. */
function evenly(rows: Uint32Array): Uint32Array {
  const count = Math.min(SPANNING, rows.length);
  return Uint32Array.from({ length: count }, (_, k) => rows[Math.floor((k * rows.length) / count)]!);
}

/** Orthonormal rows that span those of the matrices: Gram-Schmidt, each row twice against rounding. */
function orthonormal(matrices: readonly Matrix[]): Matrix {
  const columns = matrices[0]!.columns;
  const kept: Float64Array[] = [];
  for (const { data, rows } of matrices) {
    for (let i = 0; i < rows; i++) {
      const row = data.slice(i * columns, (i + 1) * columns);
      const length = lengthOf(row);
      for (const direction of [...kept, ...kept]) {
        const along = direction.reduce((sum, value, c) => sum + value * row[c]!, 0);
        for (let c = 0; c < columns; c++) row[c]! -= along * direction[c]!;
      }
      const rest = lengthOf(row);
      if (rest > DEPENDENT * length) kept.push(row.map((value) => value / rest));
    }
  }
  // Rows of zeros have no direction: any will do.
  if (kept.length === 0) kept.push(Float64Array.from({ length: columns }, (_, c) => Number(c === 0)));
  return { data: Float64Array.from(kept.flatMap((row) => [...row])), rows: kept.length, columns };
}

const lengthOf = (row: Float64Array): number => Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
