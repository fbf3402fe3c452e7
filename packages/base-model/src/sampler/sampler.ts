import { normal, type RgbImage } from '@controllab/data';
import { combineGuidance, initialNoise, sample, SOLVERS, type FloatTensor, type SolverName } from '@controllab/diffusion';
import { isExternal, type CompileOptions, type HostTensor } from '@controllab/tfjs-onnx';
import type { Base, Prompt } from '../base.ts';
import { BaseModelError } from '../errors.ts';
import { runOnce } from '../run-once.ts';
import { compileDenoiser, valuesOf, type CompiledDenoiser, type DenoiserOptions } from './compile-denoiser.ts';

export interface SamplerOptions extends Partial<DenoiserOptions> {
  /** Pictures drawn at a time. */
  readonly count: number;
  /** Whether `guidanceScale` of requests has an effect: a second row of the batch for each picture. */
  readonly guidance: boolean;
  /** Told by name what of a prompt is cut off or unknown, once each. */
  readonly say?: (message: string) => void;
}

export interface SampleRequest {
  /** One prompt a picture, at most as many as the sampler draws at a time; '' is the empty prompt. */
  readonly prompts: readonly string[];
  /** What guidance leads away from; null: no prompt. */
  readonly negativePrompt?: Prompt;
  /** Noise of picture n depends on (seed, firstImage + n) alone, so that methods are compared on the same noise. */
  readonly seed: number;
  /** Number of the first picture; 0. */
  readonly firstImage?: number;
  /** Default ddim. */
  readonly solver?: SolverName;
  readonly steps: number;
  /** Classifier-free guidance; 1 is none. */
  readonly guidanceScale: number;
  /** For each control what it sees: [N, 3, H, W] in [0, 1], a row a prompt; rows beyond them are not looked at. */
  readonly conditions?: readonly HostTensor[];
  /**
   * For each control that the sampler was made without weights for, its values: `control.` and, where it trains some of the base, `unet.`.
   */
  readonly weights?: readonly Readonly<Record<string, HostTensor>>[];
  readonly onStage?: (stage: 'prompts encoded' | 'denoiser loaded' | 'decoded') => void;
  readonly onStep?: (step: number, steps: number) => void;
}

export interface Sampler {
  readonly count: number;
  sample(request: SampleRequest): Promise<RgbImage[]>;
  release(): Promise<void>;
}

/** @throws BaseModelError invalid-argument unless both sides, in pixels, are multiples of what the autoencoder shrinks by */
export function checkSize(base: Pick<Base, 'factor'>, size: DenoiserOptions['size']): void {
  for (const side of ['width', 'height'] as const) {
    const below = Math.floor(size[side] / base.factor) * base.factor;
    if (below !== size[side] || below === 0)
      throw new BaseModelError(
        'invalid-argument',
        `the ${side} must be a multiple of ${base.factor}, got ${size[side]}; e.g. ${below || base.factor} or ${below + base.factor}`,
        { ...size, side },
      );
  }
}

/** The first rows of a batch, filled up with zeros. @throws BaseModelError invalid-argument */
function conditionRows(condition: HostTensor | undefined, prompts: number, shape: readonly number[], index: number): HostTensor {
  const row = shape.slice(1);
  const rows = condition?.shape[0] ?? 0;
  if (condition === undefined || rows < prompts || condition.shape.slice(1).join() !== row.join())
    throw new BaseModelError(
      'invalid-argument',
      `condition ${index}: expected [${[prompts, ...row].join(', ')}], a row a prompt, got ${condition === undefined ? 'none' : `[${condition.shape.join(', ')}]`}`,
      { index, expected: [prompts, ...row], shape: condition?.shape },
    );
  if (rows === shape[0]) return condition;
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  data.set(condition.data.subarray(0, data.length));
  return { data, shape };
}

/** Noise of every sampling step for the solvers that need it: each picture's own, whatever batch it is drawn in. */
const stepNoise =
  (seed: number, firstImage: number, count: number) =>
  (k: number, length: number): Float32Array => {
    const noise = new Float32Array(length);
    const row = length / count;
    for (let n = 0; n < count; n++) noise.set(normal(seed, `sampling-noise/${k}`, firstImage + n, row), n * row);
    return noise;
  };

/** The parts of a sampler, opened for a number of pictures. */
function partsOf(base: Base, options: DenoiserOptions & Pick<SamplerOptions, 'say'>, engine: CompileOptions) {
  const { width, height } = options.size;
  const said = new Set<string>();
  const say = (message: string): void => {
    if (!said.has(message)) options.say?.(message);
    said.add(message);
  };
  return {
    latent: (count: number) => [count, base.latentChannels, height / base.factor, width / base.factor] as const,
    prompts: (count: number) => base.promptEncoder(options.guidance ? 2 * count : count, engine, { say }),
    denoiser: (count: number, given: Record<string, HostTensor> | null) => compileDenoiser(base, { ...options, count }, given, engine),
    decoder: (shape: readonly number[]) => base.decoder(shape, engine),
  };
}

/**
 * Opens a base for drawing, with any number of controls.
 *
 * A base whose weights are on the host is compiled once, and stays so until `release`: prompts, conditions and the values of controls in
 * training are inputs. Of one whose weights lie in files, text encoders, U-Net and decoder are loaded and let go of one after the other at
 * every request, so that memory holds the largest of them, and prompts and conditions are constants of the graph.
 * @throws BaseModelError invalid-argument for a size that does not fit, invalid-control for controls that do not go together
 */
export async function createSampler(base: Base, options: SamplerOptions, engine: CompileOptions): Promise<Sampler> {
  const { count, guidance } = options;
  const own: DenoiserOptions = {
    count,
    guidance,
    controls: options.controls ?? [],
    controlIn: options.controlIn ?? 'both',
    weighting: options.weighting ?? 'equal',
    size: options.size ?? { width: base.pixels, height: base.pixels },
  };
  checkSize(base, own.size);
  const parts = partsOf(base, { ...own, say: options.say }, engine);
  const inFiles = Object.values(base.weights).some(isExternal);
  const kept = inFiles
    ? null
    : {
        prompts: await parts.prompts(count),
        denoiser: await parts.denoiser(count, null),
        decoder: await parts.decoder(parts.latent(count)),
      };

  return {
    count,
    async sample(request) {
      const { prompts, negativePrompt = null, onStage } = request;
      checkRequest(request, own);
      const rows = kept ? count : prompts.length;
      const positive = [...prompts, ...Array<Prompt>(rows - prompts.length).fill('')];
      const all = guidance ? [...positive, ...Array<Prompt>(rows).fill(negativePrompt)] : positive;
      const given: Record<string, HostTensor> = { ...(await (kept ? kept.prompts.run(all) : runOnce(parts.prompts(rows), all))) };
      onStage?.('prompts encoded');
      const shape = [rows, 3, own.size.height, own.size.width];
      own.controls.forEach((_, i) => (given[`condition${i}`] = conditionRows(request.conditions?.[i], prompts.length, shape, i)));
      const denoiser = kept?.denoiser ?? (await parts.denoiser(rows, given));
      onStage?.('denoiser loaded');
      const values = controlValues(request, own);
      let latents: FloatTensor;
      try {
        latents = await denoise(
          base,
          denoiser,
          { ...request, guidance, shape: parts.latent(rows) },
          kept ? { ...given, ...values } : values,
        );
      } finally {
        if (!kept) await denoiser.release();
      }
      const images = await (kept ? kept.decoder.run(latents) : runOnce(parts.decoder(latents.shape), latents));
      onStage?.('decoded');
      return images.slice(0, prompts.length);
    },
    release: async () => {
      if (kept) await Promise.all([kept.prompts.release(), kept.denoiser.release(), kept.decoder.release()]);
    },
  };
}

function checkRequest({ prompts, weights = [] }: SampleRequest, { count, controls }: DenoiserOptions): void {
  if (prompts.length === 0 || prompts.length > count)
    throw new BaseModelError(
      'invalid-argument',
      `expected 1 to ${count} prompts, for which the sampler was compiled; got ${prompts.length}`,
      { count, prompts: prompts.length },
    );
  const open = controls.filter((control) => control.weights === undefined).length;
  if (weights.length !== open)
    throw new BaseModelError('invalid-argument', `expected the weights of ${open} controls, got those of ${weights.length}`, {
      expected: open,
      got: weights.length,
    });
}

/** The values of a request by the names that the compiled denoiser has for them. */
function controlValues({ weights = [] }: SampleRequest, { controls }: DenoiserOptions): Record<string, HostTensor> {
  const open = [...controls.entries()].filter(([, control]) => control.weights === undefined);
  return Object.assign({}, ...open.map(([index], i) => valuesOf(weights[i]!, index))) as Record<string, HostTensor>;
}

type Denoising = Pick<SampleRequest, 'seed' | 'firstImage' | 'solver' | 'steps' | 'guidanceScale' | 'onStep'> & {
  readonly guidance: boolean;
  readonly shape: readonly [number, ...number[]];
};

/** From noise to latents. */
function denoise(
  base: Base,
  denoiser: CompiledDenoiser,
  { seed, firstImage = 0, solver = 'ddim', steps, guidanceScale, guidance, shape, onStep }: Denoising,
  given: Record<string, HostTensor>,
): Promise<FloatTensor> {
  const scheduler = SOLVERS[solver](base.schedule, { ...base.sampling, steps, prediction: base.prediction });
  return sample({
    scheduler,
    noise: initialNoise(seed, shape, firstImage),
    stepNoise: stepNoise(seed, firstImage, shape[0]),
    onStep: (_, k) => onStep?.(k + 1, scheduler.timesteps.length),
    predict: async (x, timestep) => {
      const { data, shape: all } = await denoiser.predict(x, timestep, given);
      const output = { data: data as Float32Array, shape: all };
      if (!guidance) return output;
      const half = data.length / 2;
      const part = (from: number): FloatTensor => ({ data: output.data.subarray(from, from + half), shape: x.shape });
      return combineGuidance(part(0), part(half), guidanceScale);
    },
  });
}

/** As {@link SampleRequest}, of any number of prompts. */
export interface BatchedRequest extends Omit<SampleRequest, 'firstImage' | 'conditions'> {
  /** For a sampler with controls: what each sees of the pictures start .. end - 1. */
  readonly conditionsOf?: (start: number, end: number) => readonly HostTensor[];
  /** Told how many pictures there are, and given the newest: a caller that keeps them loses none when it is stopped. */
  readonly onBatch?: (done: number, newest: readonly RgbImage[]) => void | Promise<void>;
}

/** Pictures of any number of prompts, as many at a time as the sampler draws. */
export async function sampleInBatches(sampler: Sampler, { conditionsOf, onBatch, ...request }: BatchedRequest): Promise<RgbImage[]> {
  const images: RgbImage[] = [];
  for (let start = 0; start < request.prompts.length; start += sampler.count) {
    const prompts = request.prompts.slice(start, start + sampler.count);
    const conditions = conditionsOf === undefined ? {} : { conditions: conditionsOf(start, start + prompts.length) };
    const drawn = await sampler.sample({ ...request, prompts, firstImage: start, ...conditions });
    images.push(...drawn);
    await onBatch?.(images.length, drawn);
  }
  return images;
}
