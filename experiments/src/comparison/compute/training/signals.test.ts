import { describe, expect, it } from 'vitest';
import { signalsOf, startsAtZero } from './signals.ts';

const tensor = (values: readonly number[], shape: readonly number[]) => ({ data: Float32Array.from(values), shape: [...shape] });

describe('signals of a training', () => {
  it('are root mean squares, moments corrected for their bias', () => {
    const state = {
      'p:control.zero.weight': tensor([3, 4], [1, 2]),
      'p:control.other.weight': tensor([100, 100], [1, 2]),
      'm:control.zero.weight': tensor([0.19, 0.19], [1, 2]),
      'm:control.other.weight': tensor([0.19, 0.19], [1, 2]),
      'v:control.zero.weight': tensor([0.001999 * 4, 0], [1, 2]),
      'v:control.other.weight': tensor([0.001999 * 4, 0], [1, 2]),
    };
    const alone = { none: [Float32Array.of(0, 0)], perfect: [Float32Array.of(1, 1)] };
    const controlled = { none: [Float32Array.of(2, 0)], perfect: [Float32Array.of(1, 3)] };
    const signals = signalsOf(state, { step: 2, zero: ['control.zero.weight'], controlled, alone });
    expect(signals.connections).toBeCloseTo(Math.sqrt(25 / 2), 6);
    // Mean squares 2 and 2.
    expect(signals.residual).toBeCloseTo(Math.SQRT2, 6);
    // 1 - 0.9^2 = 0.19, 1 - 0.999^2 = 0.001999; the mean of 4 and 0 is 2.
    expect(signals.momentum).toBeCloseTo(1, 6);
    expect(signals.gradient).toBeCloseTo(Math.SQRT2, 5);
  });

  it('are zero before the first step, where moments have no bias to correct', () => {
    const none = { none: [Float32Array.of(1)], perfect: [Float32Array.of(1)] };
    const state = { 'p:a': tensor([0], [1]), 'm:a': tensor([0], [1]), 'v:a': tensor([0], [1]) };
    expect(signalsOf(state, { step: 0, zero: [], controlled: none, alone: none })).toEqual({
      connections: 0,
      residual: 0,
      momentum: 0,
      gradient: 0,
    });
  });

  it('tell weights that start at zero from biases that do, and from other weights', () => {
    const start = { zero: tensor([0, 0], [1, 2]), bias: tensor([0, 0], [2]), other: tensor([0, 1], [1, 2]) };
    expect(startsAtZero(start)).toEqual(['zero']);
  });
});
