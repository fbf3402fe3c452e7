import { normal, uniform } from '@controllab/data';
import { chinchillaLaw, fitLaw, offsetPowerLaw, parametersOf, powerLaw, predictLosses, type Runs } from '../fit/laws.ts';
import { bootstrap, percentileInterval } from '../intervals/bootstrap.ts';
import { profileIntervals } from '../intervals/profile.ts';

/** A made-up law near Chinchilla's, its true parameters and runs on a grid with noise on the logarithm of the loss. */
export function madeUpRuns(law: number, { noise = 0.005 }: { noise?: number } = {}): { truth: Record<string, number>; runs: Runs } {
  const u = uniform(1, 'made-up law', law, 5);
  const [alpha, beta] = [0.25 + 0.2 * u[0]!, 0.25 + 0.2 * u[1]!];
  // Both powers come to between 0.3 and 1.5 in the middle of the grid.
  const middle = (share: number): number => Math.log(0.3) + share * Math.log(5);
  const theta = [middle(u[2]!) + alpha * Math.log(1e8), alpha, middle(u[3]!) + beta * Math.log(3e9), beta, Math.log(1.5 + 0.5 * u[4]!)];
  const sizes = Array.from({ length: 10 }, (_, i) => 1e7 * 10 ** (i / 4.5));
  const lengths = Array.from({ length: 10 }, (_, i) => 3e8 * 10 ** (i / 4.5));
  const N = Float64Array.from(sizes.flatMap((size) => lengths.map(() => size)));
  const D = Float64Array.from(sizes.flatMap(() => lengths));
  const noises = normal(1, 'made-up noise', law, N.length);
  const loss = predictLosses(chinchillaLaw, theta, { N, D }).map((value, i) => value * Math.exp(noise * noises[i]!));
  return { truth: parametersOf(chinchillaLaw, theta), runs: { N, D, loss } };
}

/** The share of laws whose true parameters the intervals hold: by name, and over all. */
export function coverage({
  laws,
  delta,
  method,
}: {
  laws: number;
  delta: number;
  method: 'profile' | 'bootstrap';
}): Record<string, number> {
  const held: Record<string, number> = Object.fromEntries(chinchillaLaw.names.map((name) => [name, 0]));
  for (let law = 0; law < laws; law++) {
    const { truth, runs } = madeUpRuns(law);
    const fit = fitLaw(chinchillaLaw, runs, { delta });
    const samples = method === 'bootstrap' ? bootstrap(fit, runs, { resamples: 400, seed: law }).samples : null;
    const intervals = profileIntervals(fit);
    for (const name of chinchillaLaw.names) {
      const [low, high] = samples === null ? intervals[name]! : percentileInterval(samples[name]!);
      if (low <= truth[name]! && truth[name]! <= high) held[name]!++;
    }
  }
  const shares = Object.fromEntries(Object.entries(held).map(([name, count]) => [name, count / laws]));
  const all = Object.values(held).reduce((sum, count) => sum + count, 0) / (laws * chinchillaLaw.names.length);
  return { ...shares, all };
}

/** A law of one variable, and the exponent and offset that made-up runs of it have. */
export const POWER = { law: powerLaw('D'), exponent: 0.2, offset: 0 };
const OFFSET = { law: offsetPowerLaw('D'), exponent: 0.3, offset: 0.5 };

/** The share of laws whose exponent the interval holds, from so many runs over three decades with noise on the logarithm of the loss. */
export function heldOfFew(
  { law, exponent, offset }: typeof POWER,
  { laws, count, noise, delta }: { laws: number; count: number; noise: number; delta: number },
): number {
  let held = 0;
  for (let i = 0; i < laws; i++) {
    const z = normal(1, `made-up ${law.id} of ${count}`, i, count);
    const D = Float64Array.from({ length: count }, (_, k) => 1e3 * 10 ** ((3 * k) / (count - 1)));
    const loss = D.map((d, k) => (offset + 5 * d ** -exponent) * Math.exp(noise * z[k]!));
    const [low, high] = profileIntervals(fitLaw(law, { D, loss }, { delta }))['alpha']!;
    if (low <= exponent && exponent <= high) held++;
  }
  return held / laws;
}

/** The same by law, runs and noise. */
export const coverageOfFew = ({ laws, delta }: { laws: number; delta: number }): Record<string, number> =>
  Object.fromEntries(
    [POWER, OFFSET].flatMap((made) =>
      [6, 10].flatMap((count) =>
        [0.01, 0.05].map((noise) => [`${made.law.id}, ${count} runs, noise ${noise}`, heldOfFew(made, { laws, count, noise, delta })]),
      ),
    ),
  );
