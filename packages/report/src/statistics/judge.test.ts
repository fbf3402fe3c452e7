import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import type { Claim, Measurement } from '../model/report.ts';
import { evidence, holm } from './evidence.ts';
import { expectedPower, judge } from './judge.ts';
import { factVerdict, intervalVerdict, type VerdictRule } from './verdict.ts';

const above = { kind: 'above', bound: 0 } as const;
const within = { kind: 'within', lo: -1, hi: 1 } as const;

const measured = (perTraining: readonly number[]): Measurement => ({
  value: perTraining.reduce((a, b) => a + b, 0) / perTraining.length,
  interval: null,
  n: perTraining.length,
  method: 'test',
  seeds: perTraining.map((_, i) => i + 1),
  perTraining,
});
const claim = (of: Partial<Claim> & { samples?: readonly number[]; rule: VerdictRule }): Claim => ({
  id: 'claim',
  claim: 'c',
  source: 's',
  test: 't',
  quantity: 'q',
  basis: 'trainings',
  primary: true,
  results: [{ label: null, measured: of.samples === undefined ? null : measured(of.samples), paper: null }],
  ...of,
});
const verdictOf = (of: Parameters<typeof claim>[0]) => judge([claim(of)])[0]![0]!;

describe('evidence', () => {
  it('is the two-sided p-value of a one-sample t-test', () => {
    // mean 3.2, sd 1.923538, standard error 0.860233, t = 3.719924 with 4 degrees of freedom
    expect(evidence([1, 2, 3, 4, 6], above).p).toBeCloseTo(0.0205, 4);
    expect(evidence([1, 2, 3, 4, 6], above).direction).toBe('for');
    expect(evidence([-1, -2, -3, -4, -6], above).direction).toBe('against');
  });

  it('of equivalence needs both bounds to be excluded', () => {
    expect(evidence([0.1, -0.1, 0.05, -0.05, 0], within)).toMatchObject({ direction: 'for' });
    expect(evidence([0.1, -0.1, 0.05, -0.05, 0], within).p).toBeLessThan(0.001);
    expect(evidence([2, 2.1, 1.9, 2.05, 1.95], within).direction).toBe('against');
    expect(evidence([3, -3, 2, -2, 0], within).p).toBeGreaterThan(0.05);
  });

  it('has the p-values of scipy', () => {
    // scipy 1.17.1: stats.ttest_1samp([1, 2, 3, 4, 6], popmean).pvalue; two-sided, then alternative 'greater' or 'less' for equivalence
    const samples = [1, 2, 3, 4, 6];
    const p = (rule: VerdictRule) => evidence(samples, rule).p;
    expect(p({ kind: 'above', bound: 3 })).toBeCloseTo(0.827565, 6);
    expect(p({ kind: 'below', bound: 8 })).toBeCloseTo(0.005058, 6);
    // Equivalence: the larger of two one-sided tests, 0.002529 at the upper bound and 0.010238 at the lower one
    expect(p({ kind: 'within', lo: 0, hi: 8 })).toBeCloseTo(0.010238, 6);
    // Beyond the upper bound: one-sided 0.010238, doubled for the choice of the bound
    expect(p({ kind: 'within', lo: -1, hi: 0 })).toBeCloseTo(0.020476, 6);
  });

  it('keeps the digits of a p-value far out', () => {
    const far = Array.from({ length: 20 }, (_, i) => 1 + 0.001 * (i % 5));
    expect(evidence(far, above).p).toBeGreaterThan(0);
    expect(evidence(far, above).p).toBeLessThan(1e-40);
  });

  it('knows samples without scatter', () => {
    expect(evidence([1, 1, 1, 1, 1], above)).toEqual({ p: 0, direction: 'for' });
    expect(evidence([0, 0, 0, 0, 0], above).p).toBe(1);
    const of = (sample: number, lo: number, hi: number) => evidence(Array(6).fill(sample) as number[], { kind: 'within', lo, hi });
    // The bounds are within, also where the mean of equal numbers rounds: six times 0.1 is less than 0.6.
    expect([of(0, 0, 0.1), of(1, 0.9, 1), of(0.1, 0.1, 0.2), of(0, 0, 0)]).toEqual(Array(4).fill({ p: 0, direction: 'for' }));
    expect([of(0.2, 0, 0.1), of(-1e-9, 0, 0.1)]).toEqual(Array(2).fill({ p: 0, direction: 'against' }));
  });
});

describe('holm', () => {
  it('steps down', () => {
    // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), 'holm') = 0.03 0.06 0.06 0.02
    const adjusted = holm([0.01, 0.04, 0.03, 0.005]);
    [0.03, 0.06, 0.06, 0.02].forEach((p, i) => expect(adjusted[i]).toBeCloseTo(p, 12));
    expect(holm([])).toEqual([]);
  });
});

describe('judge', () => {
  const clear = [0.5, 0.52, 0.48, 0.51, 0.49];

  it('gives no verdict on fewer than five trainings, whatever they say', () => {
    expect(verdictOf({ rule: above, samples: clear.slice(0, 4) })).toMatchObject({ text: 'not judged: 4 trainings', trainings: 4 });
    expect(verdictOf({ rule: above, samples: [100] })).toMatchObject({ text: 'not judged: 1 training', trainings: 1 });
    expect(verdictOf({ rule: above })).toMatchObject({ text: 'not judged: not measured', trainings: 0 });
    expect(verdictOf({ rule: above, samples: clear })).toMatchObject({ verdict: 'reproduced', trainings: 5 });
    expect(verdictOf({ rule: above, samples: clear.map((x) => -x) }).verdict).toBe('not reproduced');
  });

  it('says of what it cannot decide how large a difference it would have seen', () => {
    const { verdict, detectable } = verdictOf({ rule: above, samples: [0.3, -0.2, 0.4, 0.1, -0.1] });
    expect(verdict).toBe('inconclusive');
    // (t_.975(4) + t_.8(4)) s / sqrt(5) = (2.776445 + 0.940965) 0.254951 / 2.236068
    expect(detectable).toBeCloseTo(0.42385, 4);
  });

  it('judges a fact exactly, and a timing by its interval', () => {
    const fact = (value: number) =>
      judge([
        claim({
          rule: { kind: 'within', lo: 0, hi: 0 },
          basis: 'fact',
          results: [{ label: null, measured: { ...measured([value]), seeds: [] }, paper: null }],
        }),
      ])[0]![0]!;
    expect(fact(0).verdict).toBe('reproduced');
    expect(fact(1e-9).verdict).toBe('not reproduced');
    expect(factVerdict(0.3, [0.1, 0.3], above)).toBe('reproduced');
    expect(factVerdict(0.3, [0, 0.3], above)).toBe('not reproduced');
    const timing = (interval: [number, number] | null, n = 5) =>
      judge([
        claim({ rule: above, basis: 'rounds', results: [{ label: null, measured: { ...measured([1]), n, interval }, paper: null }] }),
      ])[0]![0]!;
    const verdicts = [timing([0.1, 1]), timing([-0.1, 1]), timing([-2, -1]), timing(null, 1)].map(({ text }) => text);
    expect(verdicts).toEqual(['reproduced', 'inconclusive', 'not reproduced', 'not judged: 1 round']);
    // Half the interval is t_.975(4) standard errors: 0.55 / 2.776445 * (2.776445 + 0.940965)
    expect(timing([-0.1, 1]).detectable).toBeCloseTo(0.7364, 4);
    expect(timing([0.1, 1]).detectable).toBeNull();
  });

  it('corrects primary claims for their number, exploratory ones not', () => {
    const samples = [0.3, 0.1, 0.4, 0.2, 0.05];
    const alone = verdictOf({ rule: above, samples });
    expect(alone.verdict).toBe('reproduced');
    const many = Array.from({ length: 8 }, (_, i) => claim({ rule: above, samples, id: `c${i}` }));
    expect(
      judge(many)
        .flat()
        .map(({ verdict }) => verdict),
    ).toEqual(Array(8).fill('inconclusive'));
    expect(judge([...many, claim({ rule: above, samples, primary: false })]).at(-1)![0]!.verdict).toBe('reproduced');
  });

  it('counts a primary result that could not be tested as one of the family', () => {
    const samples = [0.3, 0.1, 0.4, 0.2, 0.05];
    const untested = Array.from({ length: 7 }, (_, i) => claim({ rule: above, samples: [1], id: `u${i}` }));
    const [result] = judge([claim({ rule: above, samples }), ...untested])[0]!;
    expect(result).toMatchObject({ verdict: 'inconclusive', family: 8 });
    expect(result!.adjusted).toBeCloseTo(8 * result!.p!, 12);
    // At the level that Holm's procedure held it against: (t_(1 - 0.05/16)(4) + t_.8(4)) s / sqrt(5)
    expect(result!.detectable).toBeCloseTo((5.261058 + 0.940965) * (0.1431782 / Math.sqrt(5)), 5);
  });

  it('decides step by step: what is decided leaves more for the others', () => {
    const strong = claim({ rule: above, samples: clear });
    const weak = claim({ rule: above, samples: [0.5, 0.15, 0.42, 0.2, 0.03] });
    // p 0.041 alone: decided last it is held against 0.05, not 0.025
    expect(judge([strong, weak]).map(([result]) => result!.verdict)).toEqual(['reproduced', 'reproduced']);
    expect(judge([weak, weak]).map(([result]) => result!.verdict)).toEqual(['inconclusive', 'inconclusive']);
  });

  it('holds the error of equivalence at its bounds to five percent, in both directions', () => {
    const runs = 2000;
    const [lo, hi] = [-0.5, 0.5];
    const wrong = { for: 0, against: 0 };
    for (let k = 0; k < runs; k++) {
      // The mean is a bound: neither "within" nor "beyond" may be said often.
      const { p, direction } = evidence(
        [...normal(12, 'equivalence', k, 8)].map((x) => hi + 0.2 * x),
        { kind: 'within', lo, hi },
      );
      if (p <= 0.05) wrong[direction]++;
    }
    // Binomial sd 0.5%; "against" is halved by its doubled p
    expect(wrong.for / runs).toBeGreaterThan(0.03);
    expect(wrong.for / runs).toBeLessThan(0.065);
    expect(wrong.against / runs).toBeLessThan(0.04);
  });

  it('holds the error over a family of true null hypotheses to five percent', () => {
    const families = 400;
    let wrong = 0;
    for (let k = 0; k < families; k++) {
      const family = Array.from({ length: 6 }, (_, i) => claim({ rule: above, samples: [...normal(11, 'null', 6 * k + i, 6)] }));
      if (judge(family).some(([result]) => result!.verdict !== 'inconclusive')) wrong++;
    }
    // Binomial sd 1.1%
    expect(wrong / families).toBeLessThan(0.085);
  });
});

it('reads a one-sided claim off an interval, equivalence off all of it', () => {
  expect(intervalVerdict([0, 0.4], above)).toBe('inconclusive');
  expect(intervalVerdict([-0.4, 0], above)).toBe('not reproduced');
  const below = { kind: 'below', bound: 2 } as const;
  expect([intervalVerdict([1, 1.9], below), intervalVerdict([1, 2], below), intervalVerdict([2, 3], below)]).toEqual([
    'reproduced',
    'inconclusive',
    'not reproduced',
  ]);
  expect([
    intervalVerdict([-1, 1], within),
    intervalVerdict([-1.1, 0], within),
    intervalVerdict([-3, 3], within),
    intervalVerdict([1.1, 2], within),
  ]).toEqual(['reproduced', 'inconclusive', 'inconclusive', 'not reproduced']);
});

describe('expectedPower', () => {
  it('is what six trainings see four times in five', () => {
    // scipy: t.ppf(0.975, 5) = 2.570582, t.ppf(0.8, 5) = 0.919544; t.ppf(1 - 0.05 / 36, 5) = 5.471451; error 0.032 / sqrt(6) = 0.0130639
    const power = expectedPower(0.032, 6, 18)!;
    expect(power.alone).toBeCloseTo(3.490126 * 0.0130639, 5);
    expect(power.first).toBeCloseTo((5.471451 + 0.919544) * 0.0130639, 5);
  });

  it('is none where nothing would be judged', () => {
    expect(expectedPower(0.032, 4, 18)).toBeNull();
  });
});
