import { describe, expect, it } from 'vitest';
import { ddim } from '../solvers/ddim.ts';
import { ddpm } from '../solvers/ddpm.ts';
import { dpmSolver } from '../solvers/dpm-solver.ts';
import { euler } from '../solvers/euler.ts';
import { NoiseSchedule } from '../noise-schedule.ts';
import { initialNoise, sample } from './sample.ts';
import { SOLVERS } from './solvers.ts';
import { unipc } from '../solvers/unipc.ts';

it('a rule of sigmas that a solver’s class does not have is passed over, as its from_config does', () => {
  const schedule = new NoiseSchedule();
  const config = { steps: 5, spacing: 'linspace' } as const;
  expect(SOLVERS.euler(schedule, { ...config, sigmas: 'lu' }).timesteps).toEqual(SOLVERS.euler(schedule, config).timesteps);
  expect(SOLVERS.euler(schedule, { ...config, sigmas: 'karras' }).timesteps).not.toEqual(SOLVERS.euler(schedule, config).timesteps);
  expect(SOLVERS['dpm++2m'](schedule, { ...config, sigmas: 'lu' }).timesteps).not.toEqual(SOLVERS['dpm++2m'](schedule, config).timesteps);
});

describe('sample', () => {
  it('with the exact noise of a point distribution lands on the point', async () => {
    const schedule = new NoiseSchedule();
    const noise = initialNoise(1, [2, 3]);
    const point = 1.5;
    for (const scheduler of [
      ddim(schedule, { steps: 20 }),
      ddim(schedule, { steps: 20, eta: 1 }),
      ddpm(schedule, { steps: 20 }),
      euler(schedule, { steps: 20, spacing: 'leading' }),
      dpmSolver(schedule, { steps: 20 }),
      unipc(schedule, { steps: 20 }),
    ]) {
      const visited: number[] = [];
      const x = await sample({
        scheduler,
        noise,
        predict: async (x, t) => {
          visited.push(t);
          const abar = schedule.alphaCumprod(t);
          return { data: x.data.map((v) => (v - Math.sqrt(abar) * point) / Math.sqrt(1 - abar)), shape: x.shape };
        },
      });
      expect(visited).toEqual(scheduler.timesteps);
      for (const value of x.data) expect(value).toBeCloseTo(point, 4);
    }
  });
  it('draws step noise from its seed', async () => {
    const run = (seed: number) =>
      sample({ scheduler: ddpm(new NoiseSchedule(), { steps: 3 }), noise: initialNoise(1, [1, 2]), seed, predict: async (x) => x });
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });
});

describe('initialNoise', () => {
  it('does not depend on the batch', () => {
    const four = initialNoise(9, [4, 2, 3]);
    expect(initialNoise(9, [2, 2, 3], 2).data).toEqual(four.data.slice(12));
  });
});
