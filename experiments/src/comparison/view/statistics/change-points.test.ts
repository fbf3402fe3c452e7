import { normal } from '@controllab/data';
import { describe, expect, it } from 'vitest';
import { changePoints, halfWayOf, plateauEvidence } from './change-points.ts';

const steps = Array.from({ length: 40 }, (_, i) => 10 * (i + 1));
/** Values of a curve with scatter. */
const course = (curve: (t: number) => number, seed = 1) => {
  const noise = normal(seed, 'test', 0, steps.length);
  return { steps, values: steps.map((t, i) => curve(t) + 0.01 * noise[i]!) };
};
const plateau = (t: number): number => 0.4 + 0.5 * (t <= 90 ? 0 : 1 - Math.exp(-(t - 90) / 42));
const gradual = (t: number): number => 0.4 + 0.5 * (1 - Math.exp(-t / 80));
const logistic = (t: number): number => 0.4 + 0.5 / (1 + Math.exp(-(t - 120) / 12));

describe('change points', () => {
  it('finds the end of a plateau, and what comes behind it', () => {
    const found = changePoints(course(plateau));
    expect(Math.abs(found.plateau.onset - 90)).toBeLessThan(5);
    expect(Math.abs(found.plateau.done(0.5) - (90 + 42 * Math.log(2)))).toBeLessThan(5);
    expect(Math.abs(found.plateau.done(0.9) - found.plateau.done(0.1) - 42 * Math.log(9))).toBeLessThan(10);
    expect(plateauEvidence(found)).toBeGreaterThan(10);
  });

  it('finds the midpoint of a logistic rise, and that it explains the course best', () => {
    const found = changePoints(course(logistic));
    expect(Math.abs(found.logistic.done(0.5) - 120)).toBeLessThan(2);
    expect(Math.abs(found.logistic.done(0.9) - found.logistic.done(0.1) - 2 * Math.log(9) * 12)).toBeLessThan(6);
    expect(found.logistic.bic).toBeLessThan(Math.min(found.exponential.bic, found.plateau.bic) - 10);
  });

  it('sees no plateau in gradual change, whichever way it goes', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      expect(plateauEvidence(changePoints(course(gradual, seed)))).toBeLessThan(6);
      const falling = course((t) => 1 - gradual(t), seed);
      expect(Math.abs(changePoints(falling).exponential.done(0.5) - 80 * Math.log(2))).toBeLessThan(6);
    }
  });

  it('leaves residuals no larger than the scatter', () => {
    const { values } = course(plateau);
    const { curve } = changePoints({ steps, values }).plateau;
    const rms = Math.sqrt(values.reduce((sum, value, i) => sum + (value - curve[i]!) ** 2, 0) / values.length);
    expect(rms).toBeLessThan(0.0125);
  });

  it('asks for enough steps', () => {
    expect(() => changePoints({ steps: [1, 2, 3], values: [0, 1, 2] })).toThrow(/at least 6 evaluated steps, got 3/);
  });
});

describe('the step at which half of the rise is done', () => {
  const found = (curve: (t: number) => number, seed = 1) => {
    const { values } = course(curve, seed);
    return halfWayOf({ steps, perImage: values.map((value) => [value]), pictures: [] });
  };
  const halfWay = (curve: (t: number) => number, seed = 1): number | null => found(curve, seed)?.step ?? null;

  it('is that of the model that explains the course better', () => {
    expect(Math.abs(halfWay(logistic)! - 120)).toBeLessThan(2);
    expect(Math.abs(halfWay(plateau)! - (90 + 42 * Math.log(2)))).toBeLessThan(5);
  });

  it('is none where nothing rises by a tenth, or where it falls', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      expect(halfWay(() => 0.65, seed)).toBeNull();
      expect(halfWay((t) => 0.65 + t / 8000, seed)).toBeNull();
      expect(halfWay((t) => 1 - gradual(t), seed)).toBeNull();
    }
  });

  it('lies within the run, whatever a fit says of what comes behind it', () => {
    expect(found((t) => 0.4 + Math.exp((t - 400) / 60))!.step).toBeLessThanOrEqual(400);
    expect(halfWay((t) => (t < 5 ? 0.4 : 0.9) - 0.3 * Math.exp(-t / 4))).toBeNull();
    expect(halfWay((t) => 0.9 - 0.5 * Math.exp(-(t - 10) / 6))).toBe(20);
  });

  // The upper half of a logistic passes for a rise from the first step on, and its midpoint lies before the run.
  it('is half of what is seen to rise, where that begins at the first step', () => {
    const [first] = steps as [number];
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const upperHalf = halfWay((t) => 0.4 + 0.5 / (1 + Math.exp(-(t - first) / 30)), seed)!;
      expect(Math.abs(upperHalf - (first + 30 * Math.log(3)))).toBeLessThan(8);
      const gradualRise = halfWay((t) => 0.68 + 0.27 * (1 - Math.exp(-(t - first) / 38)), seed)!;
      expect(Math.abs(gradualRise - (first + 38 * Math.log(2)))).toBeLessThan(8);
    }
  });

  it('says so where it lies behind the run, and where nine tenths do', () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const late = found((t) => 0.4 + 0.5 / (1 + Math.exp(-(t - 420) / 40)), seed)!;
      expect([late.step, late.isLater, late.width]).toEqual([400, true, null]);
      const slow = found((t) => 0.4 + 0.5 / (1 + Math.exp(-(t - 300) / 60)), seed)!;
      expect([slow.isLater, slow.width]).toEqual([false, null]);
      const whole = found(logistic, seed)!;
      expect(whole.isLater).toBe(false);
      expect(Math.abs(whole.width! - 2 * Math.log(9) * 12)).toBeLessThan(8);
    }
  });
});
