import { describe, expect, it } from 'vitest';
import { jumpShare } from './convergence.ts';

const steps = Array.from({ length: 17 }, (_, i) => i * 20);
const curveOf = (f: (step: number) => number) => ({ steps, perImage: steps.map((s) => [f(s), f(s)]) });

describe('jumpShare', () => {
  it('is an eighth for a steady rise', () => expect(jumpShare(curveOf((s) => s / 320))!.value).toBeCloseTo(1 / 8, 10));
  it('is an eighth wherever evaluations lie', () => {
    for (const [last, every] of [
      [400, 20],
      [100, 10],
      [320, 40],
      [320, 30],
    ] as const) {
      const looked = [...Array.from({ length: Math.ceil(last / every) }, (_, i) => i * every), last];
      expect(jumpShare({ steps: looked, perImage: looked.map((s) => [s / last]) })!.value, `${last}/${every}`).toBeCloseTo(1 / 8, 10);
    }
  });
  it('counts half of the rise between two evaluations that the window reaches into half', () => {
    // 400 steps, a window of 50: [100, 120] whole, [120, 140] whole, [140, 160] half.
    const looked = Array.from({ length: 21 }, (_, i) => i * 20);
    const rising = (s: number): number => Math.min(1, Math.max(0, (s - 100) / 100));
    expect(jumpShare({ steps: looked, perImage: looked.map((s) => [rising(s)]) })!.value).toBeCloseTo(0.5, 10);
  });
  it('is one for a single jump, and says where', () =>
    expect(jumpShare(curveOf((s) => (s > 120 ? 0.9 : 0.3)))).toMatchObject({ value: 1, interval: [1, 1], to: 140 }));
  it('is not measured where nothing rises', () => expect(jumpShare(curveOf((s) => 0.4 - s / 4000))).toBeNull());
  it('is not measured where no two evaluations lie within a window', () =>
    expect(jumpShare({ steps: [0, 10, 20], perImage: [[0.1], [0.2], [0.9]] })).toBeNull());
  it('has an interval that covers images that disagree', () => {
    const curve = { steps, perImage: steps.map((s) => [s > 120 ? 0.9 : 0.3, 0.3 + (0.6 * s) / 320]) };
    const { value, interval } = jumpShare(curve)!;
    expect(value).toBeGreaterThan(0.4);
    expect(interval[0]).toBeLessThan(0.2);
    expect(interval[1]).toBeCloseTo(1, 5);
  });
});
