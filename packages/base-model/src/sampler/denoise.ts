import { normal } from '@controllab/data';
import {
  combineGuidance,
  createScheduler,
  initialNoise,
  rescaleGuidance,
  sample,
  type FloatTensor,
  type Scheduler,
} from '@controllab/diffusion';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { Base } from '../base.ts';
import { checkFinite } from './check-finite.ts';
import { controlledRows, hasWindow, type CompiledDenoiser, type DenoiserOptions, type SampledControl } from './compile-denoiser.ts';
import type { SampleRequest } from './sampler.ts';

/** What the noise of each picture depends on: a seed, and a number within it. */
type NoiseKeys = readonly { readonly seed: number; readonly index: number }[];

/** Rows beyond the pictures asked for are not looked at, and have seed 0. */
const noiseKeys = ({ seed, firstImage = 0 }: Pick<SampleRequest, 'seed' | 'firstImage'>, rows: number): NoiseKeys =>
  Array.from({ length: rows }, (_, n) => (typeof seed === 'number' ? { seed, index: firstImage + n } : { seed: seed[n] ?? 0, index: 0 }));

/** Values [N, ...] of which each row is a picture's own, whatever batch it is drawn in. */
function rowsOf(keys: NoiseKeys, length: number, make: (key: NoiseKeys[number], row: number) => Float32Array): Float32Array {
  const values = new Float32Array(length);
  const row = length / keys.length;
  keys.forEach((key, n) => values.set(make(key, row), n * row));
  return values;
}

/**
 * Whether a control acts at step k of n: from the first step that begins at `start` or later to the last that ends by `end`, both as shares
 * of the steps (diffusers' `controlnet_keep`).
 */
export const actsAt = (k: number, n: number, { start = 0, end = 1 }: Pick<SampledControl, 'start' | 'end'>): boolean =>
  !(k / n < start || (k + 1) / n > end);

/** The strengths of controls with a window at step k of n, by the names of the graph's inputs. */
function strengthsAt(k: number, n: number, options: DenoiserOptions): Record<string, HostTensor> {
  const rows = controlledRows(options);
  return Object.fromEntries(
    options.controls.flatMap((control, i) => {
      const strength = actsAt(k, n, control) ? (control.scale ?? 1) : 0;
      return hasWindow(control) ? [[`strength${i}`, { data: new Float32Array(rows).fill(strength), shape: [rows, 1, 1, 1] }]] : [];
    }),
  );
}

/** One prediction of two rows a picture, with its prompt and without. */
function guided({ data, shape }: HostTensor, guidanceScale: number, guidanceRescale: number): FloatTensor {
  const half = data.length / 2;
  const part = (from: number): FloatTensor => ({
    data: (data as Float32Array).subarray(from, from + half),
    shape: [shape[0]! / 2, ...shape.slice(1)],
  });
  const combined = combineGuidance(part(0), part(half), guidanceScale);
  return guidanceRescale === 0 ? combined : rescaleGuidance(combined, part(0), guidanceRescale);
}

/**
 * The scheduler that a request is drawn with. Cheap: making it is also the check of its solver, steps and sampling.
 * @throws DiffusionError invalid-config naming the option that the solver does not have, or the value that does not fit
 */
export const schedulerOf = (
  base: Pick<Base, 'schedule' | 'sampling' | 'prediction'>,
  { solver = 'ddim', steps, sampling }: Pick<SampleRequest, 'solver' | 'steps' | 'sampling'>,
): Scheduler => createScheduler(solver, base.schedule, { ...base.sampling, steps, prediction: base.prediction }, sampling);

/**
 * From noise to latents.
 * @param options.shape of the latents, a row a picture
 * @param options.given what the compiled denoiser holds over all steps
 * @throws BaseModelError not-finite naming tensor and step
 */
export async function denoise(
  base: Pick<Base, 'schedule' | 'sampling' | 'prediction'>,
  denoiser: CompiledDenoiser,
  options: DenoiserOptions,
  request: Pick<SampleRequest, 'seed' | 'firstImage' | 'solver' | 'steps' | 'sampling' | 'guidanceScale' | 'guidanceRescale' | 'onStep'>,
  { shape, given }: { shape: readonly [number, ...number[]]; given: Record<string, HostTensor> },
): Promise<FloatTensor> {
  const { guidanceScale, guidanceRescale = 0, onStep } = request;
  const scheduler = schedulerOf(base, request);
  const { length } = scheduler.timesteps;
  const keys = noiseKeys(request, shape[0]);
  const own = { ...options, count: shape[0] };
  const held = await denoiser.hold(given);
  let k = 0;
  return sample({
    scheduler,
    noise: {
      data: rowsOf(
        keys,
        shape.reduce((a, b) => a * b, 1),
        ({ seed, index }, row) => initialNoise(seed, [1, row], index).data,
      ),
      shape,
    },
    stepNoise: (step, total) => rowsOf(keys, total, ({ seed, index }, row) => normal(seed, `sampling-noise/${step}`, index, row)),
    predict: async (x, timestep) => {
      const at = `at step ${k + 1} of ${length} (timestep ${timestep})`;
      const output = await held.predict(x, timestep, strengthsAt(k, length, own));
      checkFinite(`The U-Net's prediction ${at}`, output);
      return options.guidance ? guided(output, guidanceScale, guidanceRescale) : { data: output.data as Float32Array, shape: output.shape };
    },
    onStep: ({ sample: latents }, step) => {
      checkFinite(`The latent after step ${step + 1} of ${length}`, latents);
      k = step + 1;
      onStep?.(k, length);
    },
  });
}
