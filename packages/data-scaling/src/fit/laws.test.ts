import { describe, expect, it } from 'vitest';
import { coverage, madeUpRuns } from '../testing/coverage.ts';
import { chinchillaLaw, fitLaw, kaplanLaw, kaplanParameters, offsetPowerLaw, powerLaw, predictLosses } from './laws.ts';
import { expand, newExpansion, objective } from './log-sum-model.ts';

const grid = (sizes: readonly number[], lengths: readonly number[]) => ({
  N: Float64Array.from(sizes.flatMap((size) => lengths.map(() => size))),
  D: Float64Array.from(sizes.flatMap(() => lengths)),
});
const SIZES = [1e6, 3e6, 1e7, 3e7, 1e8];
const LENGTHS = [1e8, 3e8, 1e9, 3e9, 1e10];

describe('the derivatives of the objective', () => {
  it.each([
    ['chinchilla', chinchillaLaw, [6.1, 0.3, 5.8, 0.25, 0.4]],
    ['kaplan', kaplanLaw, [10, 0.9, 21, 0.11]],
  ] as const)('of %s are those of finite differences', (_, law, theta) => {
    const { runs } = madeUpRuns(3);
    const model = law.model(runs);
    const at = newExpansion(theta.length);
    const moved = (j: number, by: number) => theta.map((value, i) => (i === j ? value + by : value));
    const h = 1e-5;
    for (const delta of [Infinity, 0.05]) {
      expand(model, theta, delta, null, at);
      expect(at.value).toBeCloseTo(objective(model, theta, delta), 12);
      const gradient = (place: readonly number[]): Float64Array => {
        const there = newExpansion(theta.length);
        expand(model, place, delta, null, there);
        return there.gradient;
      };
      theta.forEach((_value, j) => {
        const slope = (objective(model, moved(j, h), delta) - objective(model, moved(j, -h), delta)) / (2 * h);
        expect(at.gradient[j]! / slope).toBeCloseTo(1, 5);
        const [up, down] = [gradient(moved(j, h)), gradient(moved(j, -h))];
        theta.forEach((_other, k) => {
          const bend = (up[k]! - down[k]!) / (2 * h);
          expect(Math.abs(at.hessian[k * theta.length + j]! - bend)).toBeLessThan(1e-3 * (1 + Math.abs(bend)));
        });
      });
    }
  });
});

describe('fits of losses that are a law', () => {
  it('give its parameters back', () => {
    const runs = grid(SIZES, LENGTHS);
    const chinchilla = [Math.log(406.4), 0.34, Math.log(410.7), 0.28, Math.log(1.69)];
    const fit = fitLaw(chinchillaLaw, { ...runs, loss: predictLosses(chinchillaLaw, chinchilla, runs) });
    for (const [name, value] of Object.entries({ A: 406.4, alpha: 0.34, B: 410.7, beta: 0.28, E: 1.69 }))
      expect(fit.parameters[name]! / value, name).toBeCloseTo(1, 4);

    // Kaplan et al. 2020: alphaN 0.076, alphaD 0.103, Nc 6.4e13, Dc 1.8e13.
    const kaplan = [(0.076 / 0.103) * Math.log(6.4e13), 0.076 / 0.103, Math.log(1.8e13), 0.103];
    const loss = predictLosses(kaplanLaw, kaplan, runs);
    expect(loss[0]! / ((6.4e13 / 1e6) ** (0.076 / 0.103) + 1.8e13 / 1e8) ** 0.103).toBeCloseTo(1, 12);
    const { Nc, Dc, alphaN, alphaD } = kaplanParameters(fitLaw(kaplanLaw, { ...runs, loss }));
    expect([alphaN, alphaD, Math.log(Nc), Math.log(Dc)].map((value) => Number(value.toPrecision(4)))).toEqual([0.076, 0.103, 31.79, 30.52]);
  });

  it('also of one variable, with an offset and without', () => {
    const D = Float64Array.from([1e3, 1e4, 1e5, 1e6, 1e7]);
    const pure = fitLaw(powerLaw('D'), { D, loss: D.map((d) => 9 * d ** -0.2) });
    expect([pure.parameters['A'], pure.parameters['alpha']].map((value) => Number(value!.toPrecision(5)))).toEqual([9, 0.2]);
    const offset = fitLaw(offsetPowerLaw('D'), { D, loss: D.map((d) => 0.4 + 9 * d ** -0.2) });
    expect(['A', 'alpha', 'E'].map((name) => Number(offset.parameters[name]!.toPrecision(4)))).toEqual([9, 0.2, 0.4]);
  });

  it('are refused where runs are too few, alike or not positive', () => {
    const runs = grid([1e6, 1e7], [1e8, 1e9]);
    const loss = new Float64Array(4).fill(2);
    expect(() => fitLaw(chinchillaLaw, { ...runs, loss })).toThrow(/has 5 parameters: it takes 6 runs, got 4/);
    const same = grid([1e6], [1e8, 2e8, 3e8, 4e8, 5e8, 6e8]);
    expect(() => fitLaw(chinchillaLaw, { ...same, loss: new Float64Array(6).fill(2) })).toThrow(/all runs have the same N/);
    const two = grid([1e6, 1e7], [1e8, 2e8, 4e8]);
    const rising = (count: number) => Float64Array.from({ length: count }, (_, i) => 2 + i);
    expect(() => fitLaw(chinchillaLaw, { ...two, loss: rising(6) })).toThrow(/it takes runs of 3 different N, got 2/);
    // Sizes that differ by rounding are one.
    const D = Float64Array.of(1e8, 1e8 * (1 + 1e-12), 2e8, 2e8);
    expect(() => fitLaw(offsetPowerLaw('D'), { D, loss: rising(4) })).toThrow(/it takes runs of 3 different D, got 2/);
    const places = { N: Float64Array.of(1, 2, 3, 3, 3, 3), D: Float64Array.of(1, 2, 3, 4, 4, 4) };
    expect(() => fitLaw(chinchillaLaw, { ...places, loss: rising(6) })).toThrow(
      /5 parameters take as many different pairs of N and D, got 4/,
    );
    expect(() => fitLaw(powerLaw('D'), { D, loss })).toThrow(/all losses are equal/);
    expect(() => fitLaw(powerLaw('D'), { D: runs.D, loss: Float64Array.of(1, 2, -1, 2) })).toThrow(/loss of run 2 is -1/);
  });
});

it('is refused where examples grow with parameters: what each of them does may be exchanged', () => {
  const N = Float64Array.from({ length: 12 }, (_, i) => 1e7 * 10 ** (i / 4));
  const loss = N.map((n) => 1.7 + 400 / n ** 0.34 + 400 / (20 * n) ** 0.28);
  const fit = (D: Float64Array) => fitLaw(chinchillaLaw, { N, D, loss });
  expect(() => fit(N.map((n) => 20 * n))).toThrow(
    /D grows with N in all runs as one power of it: what each of them does cannot be told apart/,
  );
  expect(() => fit(N.map((n, i) => (20 + (i % 2) / 50) * n))).toThrow(/D grows with N/);
  // One budget of operations: the more parameters, the fewer examples, and the signs tell them apart.
  expect(fit(N.map((n) => 1e17 / n)).parameters['alpha']).toBeGreaterThan(0);
});

// Over 1,000 laws (bench/coverage.ts) the README has the shares; over few their own chance is wide.
it('profile intervals of 95% hold the truth about that often', () => {
  for (const delta of [1e-3, Infinity]) {
    const { all } = coverage({ laws: 8, delta, method: 'profile' });
    expect(all).toBeGreaterThan(0.8);
  }
});
