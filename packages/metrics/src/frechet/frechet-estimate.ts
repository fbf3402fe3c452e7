import { permutation } from '@controllab/data';
import { MetricsError } from '../errors.ts';
import { checkFeatures, rowsAt, type Features } from '../features/feature-vectors.ts';
import { gatherStatistics, mergeStatistics } from './feature-statistics.ts';
import { gaussianDistance, gaussianOf, type Gaussian } from './frechet-distance.ts';
import { NOT_NAMED } from './provenance.ts';

/** Groups that the images of a set are dealt into; a half is four of them. */
const GROUPS = 8;

/** Seven ways to halve eight groups, each balanced against each other: the columns of a Hadamard matrix but the first. */
const SPLITS = Array.from({ length: GROUPS - 1 }, (_, k) => Array.from({ length: GROUPS }, (__, g) => parity((k + 1) & g)));

/** The 97.5% quantile of Student's t with one degree of freedom for each split. */
const T_975 = 2.3646242515927853;

function parity(x: number): 0 | 1 {
  let bits = 0;
  for (let rest = x; rest > 0; rest >>= 1) bits += rest & 1;
  return (bits % 2) as 0 | 1;
}

/** An estimate with a 95% interval, from all images and from seven pairs of halves. */
export interface FrechetEstimate {
  /** 2 F(N) - mean of F(N / 2): free of the bias in 1 / N. May be negative where the truth is near zero. */
  value: number;
  standardError: number;
  /** 95%. */
  interval: readonly [number, number];
  /** F(N): what other tools print. */
  uncorrected: number;
  /** The mean of F(N / 2). */
  halves: number;
  seed: number;
  /**
   * Whether every half has more images than dimensions. If not, F(N) is not yet in the range where its bias falls as 1 / N: the
   * corrected value is nearer to the truth than F(N), but the interval does not cover it.
   */
  asymptotic: boolean;
}

/** What a set gives: the Gaussian of all of it, and of the two halves of every split. */
interface Halved {
  whole: Gaussian;
  halves: readonly (readonly [Gaussian, Gaussian])[];
  asymptotic: boolean;
}

/**
 * The Frechet distance of the distributions behind two sets of features: corrected for the bias of about c / N that makes F(N) too
 * large, with an interval. The images of each set are dealt at random into eight groups; seven balanced splits into halves give the
 * correction (a jackknife in 1 / N) and, by the halves' differences, the standard error (balanced repeated replication, McCarthy 1969).
 *
 * The interval covers the chance in which images were drawn, in both sets; not that of training, nor of the choice of network or
 * preprocessing. Rows of equal index in sets of equal size stay together, so paired images (the same prompts) are accounted for.
 *
 * Measured over 120 repetitions each: of Gaussian features it covered the truth in 92.5% (D 8, N 200; mean of F(N) 0.341, corrected
 * 0.275, truth 0.281), 98.3% (the same, equal distributions: 0.059, 0.004, truth 0) and 95.8% (D 32, N 200: 0.643, 0.132, truth
 * 0.138); of squares of Gaussians 95.0% (D 8, N 300: 0.365, 0.274, truth 0.281); differences of two models 94.2%.
 * @throws MetricsError invalid-shape, not-finite, too-few-samples below 16 images a set
 */
export async function frechetEstimate(a: Features, b: Features, { seed = 0 }: { seed?: number } = {}): Promise<FrechetEstimate> {
  const first = await halve('frechetEstimate, first set', a, seed);
  return estimate(seed, await distances(first, await halve('frechetEstimate, second set', b, seed)));
}

/**
 * F(a, reference) - F(b, reference), corrected and with an interval as {@link frechetEstimate}'s: which of two models is nearer to the
 * references. The references' halves are the same on both sides, so that their chance cancels where it should.
 * @throws MetricsError as frechetEstimate
 */
export async function frechetDifference(
  a: Features,
  b: Features,
  reference: Features,
  { seed = 0 }: { seed?: number } = {},
): Promise<FrechetEstimate> {
  const common = await halve('frechetDifference, references', reference, seed);
  const first = await distances(await halve('frechetDifference, first set', a, seed), common);
  const second = await distances(await halve('frechetDifference, second set', b, seed), common);
  return estimate(seed, {
    whole: first.whole - second.whole,
    halves: first.halves.map(([p, q], k) => [p - second.halves[k]![0], q - second.halves[k]![1]] as const),
    asymptotic: first.asymptotic && second.asymptotic,
  });
}

interface Distances {
  whole: number;
  halves: readonly (readonly [number, number])[];
  asymptotic: boolean;
}

async function distances(a: Halved, b: Halved): Promise<Distances> {
  const distance = async (p: Gaussian, q: Gaussian) => (await gaussianDistance(p, q)).value;
  const halves: [number, number][] = [];
  for (const [k, [p, q]] of a.halves.entries()) halves.push([await distance(p, b.halves[k]![0]), await distance(q, b.halves[k]![1])]);
  return { whole: await distance(a.whole, b.whole), halves, asymptotic: a.asymptotic && b.asymptotic };
}

function estimate(seed: number, { whole, halves, asymptotic }: Distances): FrechetEstimate {
  const mean = halves.flat().reduce((sum, x) => sum + x, 0) / (2 * halves.length);
  const value = 2 * whole - mean;
  const standardError = Math.sqrt(halves.reduce((sum, [p, q]) => sum + ((p - q) / 2) ** 2, 0) / halves.length);
  return {
    value,
    standardError,
    interval: [value - T_975 * standardError, value + T_975 * standardError],
    uncorrected: whole,
    halves: mean,
    seed,
    asymptotic,
  };
}

async function halve(what: string, features: Features, seed: number): Promise<Halved> {
  const { n, d } = checkFeatures(what, features);
  if (n < 2 * GROUPS)
    throw new MetricsError('too-few-samples', `Error in ${what}: ${2 * GROUPS} images are needed for eight groups, got ${n}`, {
      n,
      least: 2 * GROUPS,
    });
  const order = permutation(seed, 'frechet groups', 0, n);
  const groups = Array.from({ length: GROUPS }, (_, g) => order.filter((__, i) => i % GROUPS === g));
  const rowsOf = (side: (g: number) => boolean): Uint32Array =>
    Uint32Array.from(groups.filter((_, g) => side(g)).flatMap((rows) => [...rows])).sort();
  const asymptotic = 4 * Math.floor(n / GROUPS) > d;
  // Halves that are Gaussians by their features need those; else the groups' statistics add up to the halves'.
  const statistics = asymptotic ? await Promise.all(groups.map((rows) => gatherStatistics(rowsAt(features, rows), NOT_NAMED))) : null;
  const gaussian = (side: (g: number) => boolean): Promise<Gaussian> => {
    if (statistics !== null) return gaussianOf(what, statistics.filter((_, g) => side(g)).reduce(mergeStatistics));
    return gaussianOf(what, rowsAt(features, rowsOf(side)));
  };
  const halves: [Gaussian, Gaussian][] = [];
  for (const split of SPLITS) halves.push([await gaussian((g) => split[g] === 0), await gaussian((g) => split[g] === 1)]);
  return { whole: await gaussian(() => true), halves, asymptotic };
}
