import { SOLVERS, solverNames, type SchedulerSettings, type SolverName } from '@controllab/diffusion';
import { describe, expect, it } from 'vitest';
import { BaseModelError } from '../errors.ts';
import { schedulerSettings, type SchedulerConfig } from './scheduler-config.ts';

// scheduler_config.json as Stable Diffusion 1.5 is published with, for PNDM.
const SD15: SchedulerConfig = {
  _class_name: 'PNDMScheduler',
  _diffusers_version: '0.6.0',
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  num_train_timesteps: 1000,
  clip_sample: false,
  skip_prk_steps: true,
  steps_offset: 1,
  set_alpha_to_one: false,
  trained_betas: null,
};
// The scheduler of Stable Video Diffusion.
const SVD: SchedulerConfig = {
  ...SD15,
  _class_name: 'EulerDiscreteScheduler',
  interpolation_type: 'linear',
  prediction_type: 'v_prediction',
  sigma_max: 700.0,
  sigma_min: 0.002,
  timestep_spacing: 'leading',
  timestep_type: 'continuous',
  use_karras_sigmas: true,
};
const timesteps = (name: SolverName, config: SchedulerConfig, steps: number) => {
  const { schedule, sampling } = schedulerSettings(config);
  return SOLVERS[name](schedule, { ...sampling, steps }).timesteps;
};

describe('a published scheduler', () => {
  it("lays out timesteps as each solver's diffusers class would from the same config", () => {
    expect(timesteps('ddim', SD15, 4)).toEqual([751, 501, 251, 1]);
    expect(timesteps('pndm', SD15, 4)).toEqual([751, 501, 501, 251, 1]);
    expect(timesteps('euler', SD15, 4)).toEqual([999, 666, 333, 0]);
    expect(timesteps('heun', SD15, 3)).toEqual([999, 499.5, 499.5, 0, 0]);
    expect(timesteps('unipc', SD15, 4)).toEqual([999, 749, 500, 250]);
    expect(timesteps('dpm++2m', { ...SD15, timestep_spacing: 'leading' }, 4)).toEqual([801, 601, 401, 201]);
    expect(timesteps('euler', { ...SD15, timestep_spacing: 'leading', use_karras_sigmas: true }, 3)[1]).toBeCloseTo(160.03, 1);
  });

  it('says what the network predicts', () => {
    expect(schedulerSettings(SD15).prediction).toBe('epsilon');
    expect(schedulerSettings({ ...SD15, prediction_type: 'v_prediction' })).toMatchObject({
      prediction: 'v',
      sampling: { prediction: 'v' },
    });
  });

  it('clips latents only where the config says so, or is one of the classes that do by default', () => {
    expect(schedulerSettings(SD15).sampling.clipSample).toBeUndefined();
    expect(schedulerSettings({ ...SD15, clip_sample: true, clip_sample_range: 3 }).sampling.clipSample).toBe(3);
    expect(schedulerSettings({ _class_name: 'DDIMScheduler' }).sampling.clipSample).toBe(1);
    expect(schedulerSettings({}).sampling.clipSample).toBeUndefined();
  });

  it.each(solverNames)('bounds x0 in %s as its diffusers class does from the same config; a model itself may in every solver', (name) => {
    /** Whether an x0 far beyond 1, of which nothing is noise, is bounded. */
    const bounds = ({ schedule, sampling }: Pick<SchedulerSettings, 'schedule' | 'sampling'>): boolean => {
      const [x, output] = [40, 0].map((value) => ({ data: Float32Array.of(value), shape: [1, 1] }));
      const scheduler = SOLVERS[name](schedule, { ...sampling, steps: 4 });
      return scheduler.step({ k: 0, x: x!, output: output!, history: [], noise: new Float32Array(1) }).predictedX0.data[0]! <= 1;
    };
    const ddim = { ...SD15, _class_name: 'DDIMScheduler', skip_prk_steps: undefined };
    expect(bounds(schedulerSettings(ddim))).toBe(false);
    expect(bounds(schedulerSettings({ ...ddim, clip_sample: undefined }))).toBe(['ddim', 'ddpm', 'heun'].includes(name));
    expect(bounds(schedulerSettings({ ...ddim, thresholding: true }))).toBe(['ddim', 'ddpm', 'dpm++2m', 'unipc'].includes(name));
    const { schedule } = schedulerSettings(SD15);
    expect(bounds({ schedule, sampling: { clipSample: 1 } })).toBe(true);
    expect(bounds({ schedule, sampling: { threshold: { ratio: 0.995, max: 1 } } })).toBe(true);
  });

  it('tells a network of noise levels its logarithm, or is refused by solvers that visit timesteps', () => {
    expect(timesteps('euler', SVD, 25)[0]).toBeCloseTo(1.6378, 4); // printed by diffusers
    expect(() => timesteps('ddim', SVD, 25)).toThrow(/timestep_type continuous\); sample with euler/);
  });

  it('has no signal left at the last timestep with zero terminal SNR', () => {
    const { schedule } = schedulerSettings({ ...SD15, prediction_type: 'v_prediction', rescale_betas_zero_snr: true });
    expect(schedule.alphaCumprod(999)).toBe(0);
    expect(schedule.alphaCumprod(0)).toBeCloseTo(0.99915, 6);
    expect(timesteps('ddim', { ...SD15, rescale_betas_zero_snr: true }, 4)[0]).toBe(751);
    expect(() => timesteps('ddim', { ...SD15, rescale_betas_zero_snr: true, timestep_spacing: 'trailing' }, 4)).toThrow(/holds no signal/);
  });
});

it.each<[SchedulerConfig, RegExp]>([
  [{ beta_schedule: 'cubic' }, /beta_schedule: expected linear, scaled_linear, squaredcos_cap_v2, .*, got "cubic"/],
  [{ prediction_type: 'flow' }, /prediction_type: expected epsilon, v_prediction, sample, got "flow"/],
  [{ prediction_type: 'toString' }, /prediction_type: expected .*, got "toString"/],
  [{ prediction_type: ['epsilon'] }, /prediction_type: expected .*, got \["epsilon"\]/],
  [{ num_train_timesteps: 1e9 }, /num_train_timesteps: expected an integer from 1 to 100000, got 1000000000/],
  [{ num_train_timesteps: -5 }, /num_train_timesteps: .*got -5/],
  [{ num_train_timesteps: '1000' }, /num_train_timesteps: .*got "1000"/],
  [{ beta_end: 0 }, /beta_end: expected a number from .*, got 0/],
  [{ beta_start: NaN }, /beta_start: .*got null/],
  [{ beta_start: 0.5 }, /0 < betaStart <= betaEnd < 1, got 0.5 and 0.012/],
  [{ trained_betas: [0.1, 2], num_train_timesteps: 2 }, /betas between 0 and 1, got 2 at 1/],
  [{ trained_betas: [0.1] }, /expected 1000 betas, got 1/],
  [{ trained_betas: 'none' }, /trained_betas: expected a list of numbers/],
  [{ steps_offset: 1e12 }, /steps_offset: /],
  [{ timestep_spacing: 'logarithmic' }, /timestep_spacing: expected leading, trailing, linspace, got "logarithmic"/],
  [{ solver_order: 1e9 }, /solver_order: /],
  [{ use_karras_sigmas: 'yes' }, /use_karras_sigmas: expected true or false, got "yes"/],
  [{ use_karras_sigmas: true, use_beta_sigmas: true }, /only one of .* sigmas can be used/],
  [{ use_flow_sigmas: true }, /use_flow_sigmas: models trained by flow matching/],
  [{ _class_name: 'FlowMatchEulerDiscreteScheduler' }, /models for "FlowMatchEulerDiscreteScheduler" are not implemented/],
  [{ _class_name: 7 }, /models for 7 are not implemented/],
  [{ sigma_data: 0.5 }, /sigma_data: not a setting of any scheduler/],
  [JSON.parse('{"__proto__": 1}') as SchedulerConfig, /__proto__: not a setting/],
])('refuses %j', (change, message) => {
  const given = Object.defineProperties({ ...SD15 }, Object.getOwnPropertyDescriptors(change)) as SchedulerConfig;
  expect(() => schedulerSettings(given)).toThrow(message);
  expect(() => schedulerSettings(given)).toThrow(BaseModelError);
});
