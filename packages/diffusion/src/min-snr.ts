import type { NoiseSchedule } from './noise-schedule.ts';
import type { Prediction } from './prediction.ts';

/**
 * Weight of a timestep's loss with SNR_t = abar_t / (1 - abar_t) capped at gamma ("Efficient diffusion training via min-SNR weighting
 * strategy", section 3.4), by what the network predicts: min(SNR, gamma) for x0, divided by SNR for the noise and by SNR + 1 for v, as in
 * diffusers' training scripts.
 */
export function minSnrWeight(prediction: Prediction, schedule: NoiseSchedule, timestep: number, gamma: number): number {
  const abar = schedule.alphaCumprod(timestep);
  const snr = abar / (1 - abar);
  const capped = Math.min(snr, gamma);
  switch (prediction) {
    case 'epsilon':
      // Where nothing of the signal is left, 0 / 0 has the limit 1.
      return Math.min(1, gamma / snr);
    case 'v':
      return capped / (snr + 1);
    case 'sample':
      return capped;
  }
}
