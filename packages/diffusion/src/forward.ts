import type { HostTensor } from '@controllab/tfjs-onnx';
import { DiffusionError } from './errors.ts';
import type { NoiseSchedule } from './noise-schedule.ts';
import type { Prediction } from './prediction.ts';

/** A float32 tensor on the host. */
export interface FloatTensor extends HostTensor {
  data: Float32Array;
}

/** out[n] = ca(abar_n) a[n] + cb(abar_n) b[n] over the rows of a batch, abar_n being that of timesteps[n]. */
function mix(
  name: string,
  schedule: NoiseSchedule,
  a: FloatTensor,
  b: FloatTensor,
  timesteps: ArrayLike<number>,
  coefficients: (alphaCumprod: number) => readonly [number, number],
): FloatTensor {
  const batch = a.shape[0];
  if (a.shape.join() !== b.shape.join() || batch !== timesteps.length) {
    throw new DiffusionError(
      'invalid-shape',
      `Error in ${name}: expected samples and noise of one shape [N, ...] and N timesteps, got [${a.shape}], [${b.shape}] and ${timesteps.length}`,
      { samples: a.shape, noise: b.shape, timesteps: timesteps.length },
    );
  }
  const out = new Float32Array(a.data.length);
  const row = a.data.length / batch;
  for (let n = 0; n < batch; n++) {
    const [ca, cb] = coefficients(schedule.alphaCumprod(timesteps[n]!));
    for (let i = n * row; i < (n + 1) * row; i++) out[i] = ca * a.data[i]! + cb * b.data[i]!;
  }
  return { data: out, shape: a.shape };
}

/**
 * x_t = sqrt(abar_t) x0 + sqrt(1 - abar_t) noise (DDPM, equation 4), each sample at its own timestep.
 * x0, noise: [N, ...]; timesteps: N integers in [0, T).
 */
export function addNoise(schedule: NoiseSchedule, x0: FloatTensor, noise: FloatTensor, timesteps: ArrayLike<number>): FloatTensor {
  return mix('addNoise', schedule, x0, noise, timesteps, (abar) => [Math.sqrt(abar), Math.sqrt(1 - abar)]);
}

/** v = sqrt(abar_t) noise - sqrt(1 - abar_t) x0 ("Progressive distillation", appendix D). Shapes as in `addNoise`. */
export function velocity(schedule: NoiseSchedule, x0: FloatTensor, noise: FloatTensor, timesteps: ArrayLike<number>): FloatTensor {
  return mix('velocity', schedule, x0, noise, timesteps, (abar) => [-Math.sqrt(1 - abar), Math.sqrt(abar)]);
}

/** What a network with this prediction type is trained towards at (x0, noise, t). Shapes as in `addNoise`. */
export function trainingTarget(
  prediction: Prediction,
  schedule: NoiseSchedule,
  x0: FloatTensor,
  noise: FloatTensor,
  timesteps: ArrayLike<number>,
): FloatTensor {
  switch (prediction) {
    case 'epsilon':
      return noise;
    case 'v':
      return velocity(schedule, x0, noise, timesteps);
    case 'sample':
      return x0;
  }
}
