import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import { fitLaw, powerLaw, type Runs } from '../fit/laws.ts';
import { predictRuns } from './prediction.ts';

const SIZES = [1e3, 5e3, 1e4, 2.5e4, 5e4, 1e5, 2.5e5];

/** Two runs a size of L = 0.4 / D^0.05, with noise of 2%, and the mean of `replicates` more at three million. */
function madeUp(law: number, replicates: number): { runs: Runs; truth: number } {
  const noise = normal(law, 'made-up', 0, 14 + replicates);
  const D = Float64Array.from(SIZES.flatMap((size) => [size, size]));
  const loss = D.map((d, i) => 0.4 * d ** -0.05 * Math.exp(0.02 * noise[i]!));
  const own = noise.slice(14).reduce((sum, z) => sum + z, 0) / replicates;
  return { runs: { D, loss }, truth: 0.4 * 3e6 ** -0.05 * Math.exp(0.02 * own) };
}

describe('predictRuns', () => {
  it.each([1, 5])('holds the mean of %d new runs nine times in ten', (replicates) => {
    let held = 0;
    for (let law = 0; law < 150; law++) {
      const { runs, truth } = madeUp(law, replicates);
      const fit = fitLaw(powerLaw('D'), runs, { delta: Infinity });
      const { interval } = predictRuns(fit, runs, { D: 3e6 }, { replicates, resamples: 200 });
      if (interval[0] <= truth && truth <= interval[1]) held++;
    }
    // Four standard deviations of a share of 0.9 over 150 are 0.1.
    expect(held / 150).toBeGreaterThan(0.8);
    expect(held / 150).toBeLessThan(0.98);
  });

  it('holds as often where five of seven runs are of one size', () => {
    const D = Float64Array.of(1e3, 1e3, 1e3, 1e3, 1e3, 1e4, 1e5);
    let held = 0;
    for (let law = 0; law < 200; law++) {
      const noise = normal(law, 'few', 0, 12);
      const runs: Runs = { D, loss: D.map((d, i) => 0.4 * d ** -0.05 * Math.exp(0.02 * noise[i]!)) };
      const truth = 0.4 * 3e6 ** -0.05 * Math.exp(0.02 * (noise.slice(7).reduce((sum, z) => sum + z, 0) / 5));
      const fit = fitLaw(powerLaw('D'), runs, { delta: Infinity });
      const { interval } = predictRuns(fit, runs, { D: 3e6 }, { replicates: 5, resamples: 200 });
      if (interval[0] <= truth && truth <= interval[1]) held++;
    }
    // Percentiles of the resamples themselves hold 0.84.
    expect(held / 200).toBeGreaterThan(0.87);
  });

  it('foretells a law without noise exactly, and depends on its seed alone', () => {
    const D = Float64Array.from(SIZES);
    const exact: Runs = { D, loss: D.map((d) => 0.4 * d ** -0.05) };
    const { value, interval } = predictRuns(fitLaw(powerLaw('D'), exact, { delta: Infinity }), exact, { D: 3e6 });
    expect(value).toBeCloseTo(0.4 * 3e6 ** -0.05, 9);
    for (const end of interval) expect(end).toBeCloseTo(value, 9);
    const { runs } = madeUp(3, 1);
    const fit = fitLaw(powerLaw('D'), runs, { delta: Infinity });
    const at = (seed: number) => predictRuns(fit, runs, { D: 3e6 }, { seed, resamples: 50 });
    expect(at(1)).toEqual(at(1));
    expect(at(2)).not.toEqual(at(1));
  });
});
