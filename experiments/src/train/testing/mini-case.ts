import { controlNet } from '@controllab/controlnet';
import type { Base } from '@controllab/base-model';
import type { Weights } from '@controllab/core-blocks';
import { addNoise, trainingTarget, type FloatTensor } from '@controllab/diffusion';
import type { HostTensor } from '@controllab/tfjs-onnx';

/** Numbers that Python computes too, in double precision: amplitude sin(a + b i). */
const wave = (shape: readonly number[], a: number, b: number, amplitude = 1): FloatTensor => ({
  data: Float32Array.from({ length: shape.reduce((x, y) => x * y, 1) }, (_, i) => amplitude * Math.sin(a + b * i)),
  shape,
});

export const TIMESTEPS = [20, 333, 900];

/** A batch of the embedded default before noise is added: latents, noise, timesteps, text and condition. */
export const miniBatch = () => ({
  latents: wave([TIMESTEPS.length, 4, 16, 16], 0.3, 0.71),
  noise: wave([TIMESTEPS.length, 4, 16, 16], 1.1, 1.37),
  context: wave([TIMESTEPS.length, 24, 128], 0.2, 0.53, 0.8),
  condition: {
    data: Float32Array.from({ length: TIMESTEPS.length * 3 * 64 * 64 }, (_, i) => Number((i * 7919) % 11 < 3)),
    shape: [TIMESTEPS.length, 3, 64, 64],
  },
  timesteps: { data: Float32Array.from(TIMESTEPS), shape: [TIMESTEPS.length] },
});

/** A ControlNet of the embedded default whose zero convolutions are none any more: as if it had been trained. */
export function miniControlNet(base: Base): {
  control: ReturnType<ReturnType<typeof controlNet>['create']>;
  weights: Record<string, HostTensor>;
} {
  const control = controlNet().create(base.denoiser().target);
  const unet: Weights = Object.fromEntries(
    Object.entries(base.weights).flatMap(([name, t]) => (name.startsWith('unet.') ? [[name.slice('unet.'.length), t]] : [])),
  );
  const initial = control.initial(unet, 1);
  const weights = Object.fromEntries(
    Object.entries(initial).map(([name, { data, shape }], i) => [
      name,
      name.includes('controlnet_') ? wave(shape, i, 0.37, 0.05) : { data, shape },
    ]),
  );
  return { control, weights };
}

/** What a training step is fed of that batch. */
export function miniInputs(base: Base): Record<string, HostTensor> {
  const { latents, noise, context, condition, timesteps } = miniBatch();
  return {
    sample: addNoise(base.schedule, latents, noise, TIMESTEPS),
    target: trainingTarget(base.prediction, base.schedule, latents, noise, TIMESTEPS),
    timesteps,
    context,
    condition,
  };
}
