import { describe, expect, it } from 'vitest';
import { DataScalingError } from '../errors.ts';
import { budgetsOf, computeOptimal, isoFlopBias, isoFlopFit, lawParameters, powerOfCompute } from './iso-flop.ts';
import { chinchillaLaw, offsetPowerLaw, powerLaw } from './laws.ts';

const LAW = { E: 1.69, A: 406.4, alpha: 0.34, B: 410.7, beta: 0.28 };
const BUDGETS = [1e18, 1e19, 1e20, 1e21];

describe('isoFlopBias', () => {
  // Right values: numpy.polyfit of degree 2 over log N of the same noise-free losses.
  it.each([
    [4, undefined, 0.4516129032, [1.01427206, 1.01427206, 1.01427206, 1.01427206]],
    [16, undefined, 0.4516129032, [1.05829308, 1.05829308, 1.05829308, 1.05829308]],
    [4, (b: number) => 2 ** (b - 1), 0.4559841279, [0.99374691, 1.01427206, 1.00560431, 1.03059727]],
  ])('misses the best model on grids of width %d', (width, offCentre, exponent, ratios) => {
    const bias = isoFlopBias(LAW, { budgets: BUDGETS, width, points: 9, ...(offCentre === undefined ? {} : { offCentre }) });
    expect(bias.exponent.exact).toBeCloseTo(0.28 / 0.62, 12);
    expect(bias.exponent.fitted).toBeCloseTo(exponent, 7);
    bias.vertices.forEach(({ ratio }, i) => expect(ratio).toBeCloseTo(ratios[i]!, 6));
  });

  it('is none where both exponents are one and the grid is centred', () => {
    const { exponent, vertices } = isoFlopBias({ ...LAW, beta: 0.34 }, { budgets: BUDGETS, width: 8, points: 7 });
    expect(exponent.fitted).toBeCloseTo(0.5, 9);
    for (const { ratio } of vertices) expect(ratio).toBeCloseTo(1, 7);
  });
});

it('computeOptimal is the minimum of the law at its compute', () => {
  const { N, D, loss } = computeOptimal(LAW, 1e20);
  expect(6 * N * D).toBeCloseTo(1e20, -12);
  const at = (n: number): number => LAW.E + LAW.A / n ** LAW.alpha + LAW.B / (1e20 / 6 / n) ** LAW.beta;
  expect(loss).toBeCloseTo(at(N), 12);
  expect(Math.min(at(N * 1.01), at(N / 1.01))).toBeGreaterThan(loss);
});

it('lawParameters takes a fit of the law of both, and names what another lacks', () => {
  const parameters = { A: 406.4, alpha: 0.34, B: 410.7, beta: 0.28, E: 1.69 };
  expect(lawParameters({ law: chinchillaLaw, parameters })).toEqual(LAW);
  const { E, beta, ...others } = parameters;
  expect(() => lawParameters({ law: powerLaw('N'), parameters: { ...others, beta } })).toThrow(
    new DataScalingError('invalid-argument', 'a fit of L(N) = A / N^alpha has no E; take one of L(N, D) = E + A / N^alpha + B / D^beta', {
      law: 'power-n',
      parameter: 'E',
    }),
  );
  expect(() => lawParameters({ law: offsetPowerLaw('D'), parameters: { ...others, E } })).toThrow(/has no beta;/);
});

it('budgets are runs of like operations; what has no parabola is named', () => {
  expect(budgetsOf(Float64Array.of(1e18, 1e19, 1.05e18, 9.8e18))).toEqual([
    [0, 2],
    [3, 1],
  ]);
  const N = Float64Array.of(1, 2, 4, 8, 1, 2, 4, 8, 3);
  const C = Float64Array.of(10, 10, 10, 10, 100, 100, 100, 100, 1000);
  const loss = Float64Array.of(4, 3, 3, 4, 3, 2, 2, 3, 1);
  const fit = isoFlopFit({ N, D: C.map((c, i) => c / N[i]!), C, loss });
  // Symmetric about the middle of 2 and 4.
  expect(fit.parabolas.map(({ N: best }) => Number(best.toPrecision(10)))).toEqual([2.828427125, 2.828427125]);
  expect(fit.left).toEqual([{ C: expect.closeTo(1000, 6) as number, why: '1 models, a parabola takes 4' }]);
  expect(fit.N.exponent).toBeCloseTo(0, 9);
});

it('a budget does not go on from run to run', () => {
  const C = Float64Array.from({ length: 30 }, (_, i) => 1e18 * 1.08 ** i);
  for (const group of budgetsOf(C)) expect(C[group.at(-1)!]! / C[group[0]!]!).toBeLessThanOrEqual(1.1);
});

it('vertices beside the models do not count for the powers', () => {
  // Loss = 2 + (log2 of N / best)^2: the third budget has models of one side alone.
  const runs = [
    [10, 1, [-1, 0, 1, 2]],
    [100, 2, [-1, 0, 1, 2]],
    [1000, 64, [1, 2, 3, 4]],
  ].flatMap(([C, best, steps]) =>
    (steps as number[]).map((step) => ({ C: C as number, N: (best as number) * 2 ** step, loss: 2 + step ** 2 })),
  );
  const of = (name: 'C' | 'N' | 'loss') => Float64Array.from(runs, (run) => run[name]);
  const fit = isoFlopFit({ C: of('C'), N: of('N'), D: of('C').map((c, i) => c / of('N')[i]!), loss: of('loss') });
  expect(fit.parabolas.map(({ inside }) => inside)).toEqual([true, true, false]);
  expect(fit.N.exponent).toBeCloseTo(Math.log10(2), 9);
});

it('the bias of budgets that are close is that of each', () => {
  const { vertices } = isoFlopBias(LAW, { budgets: [1e18, 1.05e18], width: 4, points: 9 });
  expect(vertices.map(({ C }) => C / 1e18)).toEqual([expect.closeTo(1, 9), expect.closeTo(1.05, 9)]);
});

it('powerOfCompute reads the exponent of the diffusion transformers off its own power', () => {
  const C = [1e17, 1e18, 6e18];
  const { exponent, coefficient } = powerOfCompute(
    C,
    C.map((c) => 2.3943 * c ** -0.0273),
  );
  expect([exponent, coefficient].map((value) => Number(value.toPrecision(5)))).toEqual([-0.0273, 2.3943]);
});
