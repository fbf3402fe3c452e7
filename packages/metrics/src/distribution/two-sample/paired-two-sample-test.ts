import { permutation } from '@controllab/data';
import { MetricsError } from '../../errors.ts';
import { checkPair, rowsAt, toMatrix, type Features } from '../../features/feature-vectors.ts';
import { zeros, type Matrix } from '../../linear-algebra/matrix.ts';
import { fitLogistic, innerProducts } from './logistic-regression.ts';
import { LEAST, PER_SET, rate, RATERS } from './two-sample-test.ts';

/** How often raters were right. */
export interface ToldApart {
  /** Mean over raters; 0.5 is guessing. */
  accuracy: number;
  /** Standard deviation of the raters' accuracies: from the choice of images, not between people. */
  spread: number;
  /** By rater. */
  raters: readonly number[];
}

/** What raters can tell of two sets whose images come in pairs. */
export interface PairedTwoSampleTest {
  /** Which of the two sets is this image from? ControlNet's question to its users. */
  single: ToldApart;
  /** Which of these two images of a pair is from the second set? What a pair has in common cannot mislead. */
  sideBySide: ToldApart;
  /** Pairs that a rater learns from, and as many others that it is asked about. */
  perSet: number;
  seed: number;
}

/**
 * The classifier two-sample test for images in pairs, such as of one prompt, condition and noise: twelve raters, each taught with 100
 * labelled pairs and asked about 100 others, once image by image and once side by side. Pairs are kept whole: a rater that has learnt an
 * image with one label calls its twin the same, so that an unpaired test of pairs falls below 0.5. Image by image a rater is
 * `twoSampleTest`'s; side by side it is a conditional logistic regression, on differences of features alone (McFadden 1974). Fewer than
 * 200 pairs are halved.
 * @param a features of the first set, [N, D]; row i is a pair with row i of `b`
 * @throws MetricsError invalid-shape; not-finite; too-few-samples below 20 pairs
 */
export async function pairedTwoSampleTest(a: Features, b: Features, { seed = 0 }: { seed?: number } = {}): Promise<PairedTwoSampleTest> {
  const { n, m } = checkPair('pairedTwoSampleTest', a, b, 2 * LEAST);
  if (n !== m)
    throw new MetricsError('invalid-shape', `Error in pairedTwoSampleTest: pairs have one image of each set, got ${n} and ${m}`, { n, m });
  const perSet = Math.min(PER_SET, Math.floor(n / 2));
  const single: number[] = [];
  const sideBySide: number[] = [];
  for (let r = 0; r < RATERS; r++) {
    const pairs = permutation(seed, 'paired two-sample test', r, n).subarray(0, 2 * perSet);
    const [first, second] = [a, b].map((set) => toMatrix(rowsAt(set, pairs))) as [Matrix, Matrix];
    single.push((await rate(first, second, perSet)).accuracy);
    sideBySide.push(await rateSideBySide(first, second, perSet));
  }
  return { single: toldApart(single), sideBySide: toldApart(sideBySide), perSet, seed };
}

function toldApart(raters: readonly number[]): ToldApart {
  const accuracy = raters.reduce((sum, value) => sum + value, 0) / raters.length;
  const spread = Math.sqrt(raters.reduce((sum, value) => sum + (value - accuracy) ** 2, 0) / (raters.length - 1));
  return { accuracy, spread, raters };
}

/** Learns from the first `perSet` pairs, each seen both ways round, and is asked about the rest: the share told apart. */
async function rateSideBySide(a: Matrix, b: Matrix, perSet: number): Promise<number> {
  const columns = a.columns;
  const scales = rootMeanSquares(a, b, perSet);
  // Rows: taught pairs with the second image on the left, the same with it on the right, and pairs to ask about.
  const x = zeros(3 * perSet, columns);
  for (let i = 0; i < 2 * perSet; i++) {
    for (let j = 0; j < columns; j++) {
      const difference = (b.data[i * columns + j]! - a.data[i * columns + j]!) * scales[j]!;
      if (i < perSet) x.data[i * columns + j] = -difference;
      x.data[(perSet + i) * columns + j] = difference;
    }
  }
  const kernel = await innerProducts(x);
  const taught = 2 * perSet;
  const weights = await fitLogistic(
    Float64Array.from({ length: taught * taught }, (_, k) => kernel(Math.floor(k / taught), k % taught)),
    perSet,
  );
  let right = 0;
  for (let i = taught; i < 3 * perSet; i++) {
    const score = weights.reduce((sum, w, j) => sum + w * kernel(i, j), 0);
    right += score > 0 ? 1 : score === 0 ? 0.5 : 0;
  }
  return right / perSet;
}

/** What brings each column's differences over the first `count` pairs to a mean square of 1; 0 for a column without any. */
function rootMeanSquares(a: Matrix, b: Matrix, count: number): Float64Array {
  return Float64Array.from({ length: a.columns }, (_, j) => {
    let square = 0;
    for (let i = 0; i < count; i++) square += (b.data[i * a.columns + j]! - a.data[i * a.columns + j]!) ** 2;
    return square > 0 ? Math.sqrt(count / square) : 0;
  });
}
