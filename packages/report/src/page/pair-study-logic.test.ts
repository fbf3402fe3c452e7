import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';

interface Question {
  readonly pair: number;
  readonly left?: number;
  readonly model?: number;
}
interface Logic {
  plan(of: { pairs: number; taught: number; asked: number; shown: string; seed: number }): { taught: Question[]; asked: Question[] };
  precision(right: number, of: number): { value: number; interval: [number, number] };
  csv(result: Record<string, unknown>): string;
}

// As a page loads it: a script, which leaves its functions behind.
const page: { pairStudy?: Logic } = {};
runInNewContext(readFileSync(new URL('./pair-study-logic.js', import.meta.url), 'utf8'), page);
const { plan, precision, csv } = page.pairStudy!;
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('what a study asks', () => {
  it('follows from the seed', () => {
    // Worked out by another program of the same generator (mulberry32) and shuffle.
    expect(plain(plan({ pairs: 6, taught: 2, asked: 3, shown: 'pairs', seed: 7 }))).toEqual({
      taught: [
        { pair: 4, left: 1 },
        { pair: 1, left: 0 },
      ],
      asked: [
        { pair: 2, left: 0 },
        { pair: 3, left: 0 },
        { pair: 5, left: 1 },
      ],
    });
    expect(plain(plan({ pairs: 6, taught: 2, asked: 3, shown: 'single', seed: 7 })).asked.map(({ model }) => model)).toEqual([0, 0, 1]);
  });

  it('is never what was taught, each pair once, and of both models alike', () => {
    for (let seed = 0; seed < 50; seed++) {
      const { taught, asked } = plan({ pairs: 200, taught: 100, asked: 100, shown: 'pairs', seed });
      expect(new Set([...taught, ...asked].map(({ pair }) => pair)).size).toBe(200);
      expect(asked.reduce((sum, { left }) => sum + left!, 0)).toBe(50);
      expect(taught.reduce((sum, { left }) => sum + left!, 0)).toBe(50);
    }
    // Of an odd number neither model always has the one more.
    const firsts = Array.from({ length: 40 }, (_, seed) => plan({ pairs: 3, taught: 1, asked: 1, shown: 'single', seed }).asked[0]!.model);
    expect(new Set(firsts)).toEqual(new Set([0, 1]));
  });
});

it('precision has Wilson’s interval', () => {
  // scipy.stats.binomtest(...).proportion_ci(method='wilson')
  for (const [right, of, lo, hi] of [
    [27, 40, 0.5201774618987767, 0.7991549776821729],
    [0, 10, 0, 0.27753279986288926],
    [104, 200, 0.4510378507281424, 0.588208336216767],
  ] as const) {
    const { value, interval } = precision(right, of);
    expect(value).toBe(right / of);
    expect(interval[0]).toBeCloseTo(lo, 12);
    expect(interval[1]).toBeCloseTo(hi, 12);
  }
});

it('answers are a table that no spreadsheet takes for formulas', () => {
  const answers = [
    { pair: 12, truth: 'right', answer: 'left', correct: false, seconds: 1.5 },
    { pair: 3, truth: '=A, "x"', answer: '=A, "x"', correct: true, seconds: 0.25 },
  ];
  expect(csv({ study: 'report/id', shown: 'pairs', seed: 7, taught: 2, asked: 2, answers })).toBe(
    [
      'study,shown,seed,taught,asked,question,pair,truth,answer,correct,seconds',
      'report/id,pairs,7,2,2,1,12,right,left,0,1.5',
      `report/id,pairs,7,2,2,2,3,"'=A, ""x""","'=A, ""x""",1,0.25`,
      '',
    ].join('\r\n'),
  );
});
