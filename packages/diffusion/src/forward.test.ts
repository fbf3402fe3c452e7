import { describe, expect, it } from 'vitest';
import { addNoise, trainingTarget, velocity } from './forward.ts';
import { NoiseSchedule } from './noise-schedule.ts';
import { splitPrediction } from './prediction.ts';

// one step: abar_0 = 0.64, so sqrt(abar) = 0.8 and sqrt(1 - abar) = 0.6; abar_1 = 0.4096
const schedule = new NoiseSchedule({ trainTimesteps: 2, schedule: 'linear', betaStart: 0.36, betaEnd: 0.36 });
const row = (...values: number[]) => ({ data: Float32Array.from(values), shape: [1, values.length] });

describe('addNoise and velocity', () => {
  it('mix by sqrt(abar) of each sample', () => {
    const x0 = { data: Float32Array.of(1, 2, 1, 2), shape: [2, 2] };
    const noise = { data: Float32Array.of(-1, 0.5, -1, 0.5), shape: [2, 2] };
    const s1 = Math.sqrt(1 - 0.4096);
    [0.2, 1.9, 0.64 - s1, 1.28 + s1 / 2].forEach((want, i) => expect(addNoise(schedule, x0, noise, [0, 1]).data[i]).toBeCloseTo(want, 6));
    [-1.4, -0.8].forEach((want, i) => expect(velocity(schedule, x0, noise, [0, 1]).data[i]).toBeCloseTo(want, 6));
  });
  it('name the shapes that do not fit', () => {
    expect(() => addNoise(schedule, row(1, 2), row(1), [0])).toThrow(/got \[1,2\], \[1,1\] and 1/);
    expect(() => addNoise(schedule, row(1), row(1), [0, 1])).toThrow(/N timesteps, got \[1,1\], \[1,1\] and 2/);
  });
});

describe('splitPrediction', () => {
  it('recovers x0 and noise from each kind of target', () => {
    const x0 = row(1, -2);
    const noise = row(0.5, 3);
    const x = addNoise(schedule, x0, noise, [0]);
    for (const kind of ['epsilon', 'v', 'sample'] as const) {
      const got = splitPrediction(kind, trainingTarget(kind, schedule, x0, noise, [0]).data, x.data, schedule.alphaCumprod(0));
      for (let i = 0; i < 2; i++) {
        expect(got.x0[i]).toBeCloseTo(x0.data[i]!, 5);
        expect(got.noise[i]).toBeCloseTo(noise.data[i]!, 5);
      }
    }
  });
});
