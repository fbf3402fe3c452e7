import { expect, it } from 'vitest';
import { RunTiming } from './run-timing.ts';

const call = (seconds: number, waited: number) => ({ steps: 2, samples: 8, seconds, waited });

it('nothing counts of the first two calls, which are shown while there are no others', () => {
  const timing = new RunTiming();
  timing.add(call(32, 8));
  timing.add(call(16, 8));
  expect(timing.perStep()).toBe(8);
  expect(timing.pace()).toEqual({ samplesPerSecond: 0.5, waitShare: 0.5 });
  expect(timing.result()).toEqual({ steps: 0, samples: 0, seconds: 0, samplesPerSecond: NaN, waitShare: NaN });
});

it('all later calls count together', () => {
  const timing = new RunTiming();
  for (const [seconds, waited] of [
    [32, 8],
    [16, 8],
    [1, 0],
    [3, 1],
  ] as const)
    timing.add(call(seconds, waited));
  expect(timing.perStep()).toBe(1);
  expect(timing.pace()).toEqual({ samplesPerSecond: 4, waitShare: 0.25 });
  expect(timing.result()).toEqual({ steps: 4, samples: 16, seconds: 4, samplesPerSecond: 4, waitShare: 0.25 });
});
