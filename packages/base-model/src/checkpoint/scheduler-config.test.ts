import { SOLVERS, type SolverName } from '@controllab/diffusion';
import { describe, expect, it } from 'vitest';
import { schedulerSettings, type SchedulerConfig } from './scheduler-config.ts';

// scheduler_config.json as Stable Diffusion 1.5 is published with, for PNDM.
const SD15: SchedulerConfig = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  num_train_timesteps: 1000,
  steps_offset: 1,
  set_alpha_to_one: false,
};
const timesteps = (name: SolverName, config: SchedulerConfig, steps: number) => {
  const { schedule, sampling } = schedulerSettings(config);
  return SOLVERS[name](schedule, { ...sampling, steps }).timesteps;
};

describe('a published scheduler', () => {
  it("lays out timesteps as each solver's diffusers class would from the same config", () => {
    expect(timesteps('ddim', SD15, 4)).toEqual([751, 501, 251, 1]);
    expect(timesteps('euler', SD15, 4)).toEqual([999, 666, 333, 0]);
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

  it.each([
    [{ rescale_betas_zero_snr: true }, /rescale_betas_zero_snr is not implemented/],
    [{ final_sigmas_type: 'sigma_min' }, /only "zero"/],
    [{ beta_schedule: 'sigmoid' }, /beta_schedule: expected linear, scaled_linear, squaredcos_cap_v2, got "sigmoid"/],
    [{ prediction_type: 'flow' }, /prediction_type: expected epsilon, v_prediction, sample, got "flow"/],
  ])('refuses %j', (change, message) => expect(() => schedulerSettings({ ...SD15, ...change } as SchedulerConfig)).toThrow(message));
});
