import { describe, expect, it } from 'vitest';
import { dpmSolver } from './dpm-solver.ts';
import { euler } from './euler.ts';
import { ruledSigmas } from '../levels/noise-levels.ts';
import { NoiseSchedule } from '../noise-schedule.ts';
import type { FloatTensor } from '../forward.ts';
import { sample } from '../sampling/sample.ts';
import type { Scheduler } from '../sampling/scheduler.ts';
import { createScheduler, type SamplingConfig } from '../sampling/solvers.ts';
import { unipc } from './unipc.ts';

const schedule = new NoiseSchedule();
const solvers = { euler, dpmSolver, unipc };

/** Where the probability flow takes x at the first level for data N(0, 1/4) per value: the scale of the marginal is all that changes. */
const exact = (x: number, abar: number): number => (x * 0.5) / Math.sqrt(abar / 4 + 1 - abar);

/** The exact noise prediction, and v, for that data. */
function network(prediction: 'epsilon' | 'v', abar: number, x: FloatTensor): FloatTensor {
  const x0 = Math.sqrt(abar) / 4 / (abar / 4 + 1 - abar);
  const noise = (1 - Math.sqrt(abar) * x0) / Math.sqrt(1 - abar);
  const factor = prediction === 'epsilon' ? noise : Math.sqrt(abar) * noise - Math.sqrt(1 - abar) * x0;
  return { data: x.data.map((value) => factor * value), shape: x.shape };
}

async function error(
  make: (schedule: NoiseSchedule, config: SamplingConfig) => Scheduler,
  steps: number,
  options: { prediction?: 'epsilon' | 'v'; sigmas?: 'karras' } = {},
): Promise<number> {
  const noise = { data: Float32Array.of(-1.5, 0.5, 1), shape: [1, 3] };
  const scheduler = make(schedule, { steps, ...options });
  const sigmas = options.sigmas ? ruledSigmas('karras', { min: sigmaAt(0), max: sigmaAt(999), steps }) : null;
  let k = 0;
  const x = await sample({
    scheduler,
    noise,
    predict: async (now, timestep) => {
      const abar = sigmas === null ? schedule.alphaCumprod(timestep) : 1 / (1 + sigmas[k++]! ** 2);
      return network(options.prediction ?? 'epsilon', abar, now);
    },
  });
  return Math.max(...noise.data.map((value, i) => Math.abs(x.data[i]! - exact(value, schedule.alphaCumprod(999)))));
}

const sigmaAt = (t: number): number => Math.sqrt((1 - schedule.alphaCumprod(t)) / schedule.alphaCumprod(t));

describe('solvers on data whose probability flow is known', () => {
  it('converge with their order', async () => {
    // 999 = 27 * 37 = 111 * 9: linspace's timesteps are whole numbers
    expect((await error(euler, 28)) / (await error(euler, 112))).toBeGreaterThan(3);
    for (const solver of [dpmSolver, unipc])
      expect((await error(solver, 10, { sigmas: 'karras' })) / (await error(solver, 40, { sigmas: 'karras' }))).toBeGreaterThan(9);
  });

  it('rank as published at twenty steps', async () => {
    const [first, second, corrected] = [
      await error(euler, 20, { sigmas: 'karras' }),
      await error(dpmSolver, 20, { sigmas: 'karras' }),
      await error(unipc, 20, { sigmas: 'karras' }),
    ];
    expect(second).toBeLessThan(first / 5);
    expect(corrected).toBeLessThan(second / 2);
  });

  it('take v as well as noise', async () => {
    for (const [name, solver] of Object.entries(solvers))
      expect(await error(solver, 10, { sigmas: 'karras', prediction: 'v' }), name).toBeCloseTo(
        await error(solver, 10, { sigmas: 'karras' }),
        4,
      );
  });

  it('refuse an output of another shape by name', () => {
    for (const [name, solver] of Object.entries(solvers)) {
      const step = () =>
        solver(schedule, { steps: 4 }).step({
          k: 0,
          x: { data: new Float32Array(2), shape: [2] },
          output: { data: new Float32Array(1), shape: [1] },
          history: [],
        });
      expect(step).toThrow(new RegExp(`Error in ${name}: .*\\[2\\], got \\[1\\]`));
    }
  });
});

it('refuses a spacing where ruled sigmas pass over it, and takes it where they lie between its ends', () => {
  const config = { steps: 5, spacing: 'leading' } as const;
  const levels = (name: 'dpm++2m' | 'unipc' | 'euler', spacing: 'leading' | 'trailing') =>
    createScheduler(name, schedule, config, { spacing, sigmas: 'karras' }).sigmas;
  for (const name of ['dpm++2m', 'unipc'] as const)
    expect(() => levels(name, 'trailing')).toThrow(/lays karras sigmas between the ends .* leave spacing trailing out/);
  expect(levels('euler', 'trailing')).not.toEqual(levels('euler', 'leading'));
  // what the model's own config says is no choice of the user's
  expect(createScheduler('unipc', schedule, config, { sigmas: 'karras' }).timesteps).toHaveLength(5);
});
