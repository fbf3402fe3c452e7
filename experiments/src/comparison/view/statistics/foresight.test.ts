import { describe, expect, it } from 'vitest';
import { featuresOf, foresee, jumpOf, type Run } from './foresight.ts';

const STEPS = Array.from({ length: 41 }, (_, k) => 10 * k);

/** A run whose fidelity rises around a step, and whose zero convolutions were as much larger by then as it comes earlier. */
function run(group: string, midpoint: number, samplesPerStep = 8): Run {
  const growing = STEPS.map((step) => (step + 1) / midpoint);
  const flat = STEPS.map(() => 1);
  return {
    group,
    samplesPerStep,
    course: {
      steps: STEPS,
      perImage: STEPS.map((step) => [0.5 + 0.4 / (1 + Math.exp(-(step - midpoint) / 10))]),
      pictures: [],
      heldOut: { none: STEPS.map(() => [0.3]), perfect: STEPS.map(() => [0.2]) },
      signals: { connections: growing, residual: growing, momentum: flat, gradient: flat },
    },
  };
}

const known = [100, 130, 160, 200, 240, 280].map((midpoint, i) => run(`recipe-${i}`, midpoint));

describe('foresight of the jump', () => {
  it('takes the last evaluation before so many samples, in steps of any size', () => {
    // 500 samples: step 60 of 8 samples, step 30 of 16.
    expect(featuresOf(run('a', 100), 'signals', 500)[4]).toBeCloseTo(Math.log(61 / 100), 9);
    expect(featuresOf(run('a', 100, 16), 'signals', 500)[4]).toBeCloseTo(Math.log(31 / 100), 9);
    expect(featuresOf(run('a', 100), 'loss', 500)).toEqual([0.3, 0, 0.2, 0]);
  });

  it('is the midpoint of the rise in samples', () => {
    expect(2 ** jumpOf(run('a', 150))).toBeCloseTo(1200, -1);
  });

  it('comes after all samples where fidelity never rises, and is finite for every run', () => {
    expect(2 ** jumpOf(run('a', 4000))).toBeCloseTo(3200, 6);
    const { jumps } = foresee([...known, run('never', 4000)], [run('unseen', 180)], 500);
    expect(Number.isFinite(jumps.signals[0])).toBe(true);
  });

  it('tells from what is inside, where the loss tells nothing', () => {
    const unseen = run('unseen', 180);
    const { jumps, nothing, leftOut } = foresee(known, [unseen], 500);
    expect(Math.abs(jumps.signals[0]! - jumpOf(unseen))).toBeLessThan(0.05);
    expect(jumps.loss[0]).toBeCloseTo(nothing, 9);
    expect(leftOut.signals).toBeLessThan(leftOut.loss);
  });

  it('refuses to look before the first evaluation', () => {
    expect(() => featuresOf(run('a', 100), 'loss', 70)).toThrow(/no evaluation behind the first step within 70 samples/);
  });
});
