import { describe, expect, it } from 'vitest';
import { normal } from '@controllab/data';
import type { Claim, Measurement } from '../model/report.ts';
import { evidence, holm, judge, type VerdictRule } from './verdict.ts';

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

  it('knows samples without scatter', () => {
    expect(evidence([1, 1, 1, 1, 1], above)).toEqual({ p: 0, direction: 'for' });
    expect(evidence([0, 0, 0, 0, 0], above).p).toBe(1);
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
    expect(verdictOf({ rule: above, samples: clear.slice(0, 4) })).toMatchObject({ verdict: 'not judged', trainings: 4 });
    expect(verdictOf({ rule: above, samples: [100] })).toMatchObject({ verdict: 'not judged', trainings: 1 });
    expect(verdictOf({ rule: above })).toMatchObject({ verdict: 'not judged', trainings: 0 });
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
    const timing = (interval: [number, number]) =>
      judge([
        claim({ rule: above, basis: 'rounds', results: [{ label: null, measured: { ...measured([1]), interval }, paper: null }] }),
      ])[0]![0]!.verdict;
    expect([timing([0.1, 1]), timing([-0.1, 1]), timing([-2, -1])]).toEqual(['reproduced', 'inconclusive', 'not reproduced']);
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
