import { MetricsError } from '../../errors.ts';
import { checkPair, rowsAt, toMatrix } from '../../features/feature-vectors.ts';
import { dealByContent } from '../../frechet/content-groups.ts';
import { distinctRows, keyed, partnersOf, type KeyedFeatures } from '../../frechet/near-copies.ts';
import { zeros, type Matrix } from '../../linear-algebra/matrix.ts';
import { fitLogistic, innerProducts, standardize } from './logistic-regression.ts';

/** Images of each set that one rater learns from, and again as many that it is tested on: what a person sees in a user study. */
export const PER_SET = 100;
export const RATERS = 12;
/** Fewer than this of each set to learn from, and the test says nothing. */
export const LEAST = 10;

/** One classifier, on its own random choice of images. */
export interface Rater {
  /** Share of test images told apart; 0.5 is guessing. */
  accuracy: number;
  /** Area under the ROC curve: how often an image of the second set scores above one of the first. */
  auc: number;
  /** Of the accuracy, under exchangeable labels of the test images: exact, over all relabellings. */
  p: number;
}

export interface TwoSampleTest {
  /** Mean over raters. */
  accuracy: number;
  auc: number;
  /** Standard deviation of the raters' accuracies: from the choice of images, not between people. */
  spread: number;
  /** Twice the raters' mean p, at most 1: valid although raters share images (Ruschendorf 1982; Vovk & Wang, Biometrika 2020). */
  p: number;
  raters: readonly Rater[];
  /** Images of each set that a rater learns from, and is tested on. */
  perSet: number;
  seed: number;
}

/**
 * Classifier two-sample test, the proxy for ControlNet's user study (can users tell the images of two models apart?): twelve raters,
 * each a logistic regression that learns from 100 + 100 features and is tested on 100 + 100 others. Sets smaller than 200 are split in
 * halves. Images that come in pairs, such as of one prompt and noise, are `pairedTwoSampleTest`'s.
 *
 * Raters choose images by their content, whatever their order and names, and an image that is in both sets, or nearly (compressed again),
 * is on one side: a rater that had learnt it with one label would call its copy the same, and do worse than guessing. Of copies within a
 * set it sees one: a copy of what it learnt is no test, and two answers about one image are no two.
 * Source: Lopez-Paz & Oquab, "Revisiting classifier two-sample tests" (ICLR 2017).
 * @throws MetricsError invalid-shape; not-finite; too-few-samples below 20 different images
 */
export async function twoSampleTest(a: KeyedFeatures, b: KeyedFeatures, { seed = 0 }: { seed?: number } = {}): Promise<TwoSampleTest> {
  checkPair('twoSampleTest', a, b, 2 * LEAST);
  const sets = [distinctRows(keyed('twoSampleTest, first set', a)), distinctRows(keyed('twoSampleTest, second set', b))] as const;
  const fewest = Math.min(...sets.map(({ rows }) => rows.length));
  if (fewest < 2 * LEAST)
    throw new MetricsError('too-few-samples', `twoSampleTest needs ${2 * LEAST} different images of either set, got ${fewest}`, {
      n: fewest,
      least: 2 * LEAST,
    });
  const perSet = Math.min(PER_SET, Math.floor(fewest / 2));
  const keys = sets.map((set) => set.keys);
  const partners = [{ p: 0, q: 1, rows: await partnersOf(...sets) }];
  const raters: Rater[] = [];
  for (let r = 0; r < RATERS; r++) {
    // What a rater learns from, and what it is tested on.
    const sides = dealByContent(keys, partners, { count: 2, seed: seed * RATERS + r });
    const [first, second] = sets.map(({ features }, set) =>
      toMatrix(rowsAt(features, Uint32Array.from(sides[set]!.flatMap((rows) => [...rows.subarray(0, perSet)])))),
    ) as [Matrix, Matrix];
    raters.push(await rate(first, second, perSet));
  }
  const mean = (key: keyof Rater): number => raters.reduce((sum, rater) => sum + rater[key], 0) / RATERS;
  const accuracy = mean('accuracy');
  return {
    accuracy,
    auc: mean('auc'),
    spread: Math.sqrt(raters.reduce((sum, rater) => sum + (rater.accuracy - accuracy) ** 2, 0) / (RATERS - 1)),
    p: Math.min(1, 2 * mean('p')),
    raters,
    perSet,
    seed,
  };
}

/** Learns from the first `perSet` rows of both, tests on the rest. */
export async function rate(a: Matrix, b: Matrix, perSet: number): Promise<Rater> {
  const train = 2 * perSet;
  // Rows: a's to learn from, b's to learn from, a's to test, b's to test.
  const x = zeros(2 * train, a.columns);
  [a, b].forEach(({ data, columns }, set) => {
    x.data.set(data.subarray(0, perSet * columns), set * perSet * columns);
    x.data.set(data.subarray(perSet * columns), (train + set * perSet) * columns);
  });
  standardize(x, train);
  const product = await innerProducts(x);
  const kernel = (i: number, j: number): number => product(i, j) + 1; // the 1 is the bias's
  const weights = await fitLogistic(
    Float64Array.from({ length: train * train }, (_, k) => kernel(Math.floor(k / train), k % train)),
    perSet,
  );
  const scores = Float64Array.from({ length: train }, (_, i) => weights.reduce((sum, w, j) => sum + w * kernel(train + i, j), 0));
  const ofFirst = scores.subarray(0, perSet);
  const ofSecond = scores.subarray(perSet);
  const found = ofSecond.filter((s) => s > 0).length;
  const mistaken = ofFirst.filter((s) => s > 0).length;
  return {
    accuracy: (found + perSet - mistaken) / train,
    auc: areaUnderCurve(ofFirst, ofSecond),
    p: relabellingP(perSet, found, found + mistaken),
  };
}

/** Share of pairs in which the second scores higher; ties count half. */
function areaUnderCurve(first: Float64Array, second: Float64Array): number {
  let above = 0;
  for (const s of second) for (const f of first) above += s > f ? 1 : s === f ? 0.5 : 0;
  return above / (first.length * second.length);
}

/**
 * Chance that a random relabelling of the test images, half to each set, gets at least as many right: of `called` images called
 * second, the number that are is hypergeometric (Fisher's exact test, one-sided).
 */
export function relabellingP(perSet: number, found: number, called: number): number {
  const logChoose = (n: number, k: number): number => {
    let sum = 0;
    for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i);
    return sum;
  };
  let p = 0;
  for (let k = found; k <= Math.min(perSet, called); k++) {
    if (called - k > perSet) continue;
    p += Math.exp(logChoose(perSet, k) + logChoose(perSet, called - k) - logChoose(2 * perSet, called));
  }
  return Math.min(1, p);
}
