import type { RgbImage } from '@controllab/data';
import type { ChosenSampling, SolverName } from '@controllab/diffusion';
import { isExternal, type CompileOptions, type HostTensor } from '@controllab/tfjs-onnx';
import type { Base, Prompt, PromptText } from '../base.ts';
import { BaseModelError } from '../errors.ts';
import { runOnce } from '../run-once.ts';
import { checkFinite } from './check-finite.ts';
import { compileDenoiser, valuesOf, type DenoiserOptions } from './compile-denoiser.ts';
import { actsAt, denoise, schedulerOf } from './denoise.ts';

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
  readonly prompts: readonly PromptText[];
  /** What guidance leads away from; null: no prompt. */
  readonly negativePrompt?: Prompt;
  /** In its place one for each picture. */
  readonly negativePrompts?: readonly Prompt[];
  /**
   * One seed: noise of picture n depends on (seed, firstImage + n) alone, so that methods are compared on the same noise. A seed for each
   * picture: each is the first picture of its own seed, whatever it is drawn with.
   */
  readonly seed: number | readonly number[];
  /** Number of the first picture of one seed; 0. */
  readonly firstImage?: number;
  /** Default ddim. */
  readonly solver?: SolverName;
  readonly steps: number;
  /** In place of what the base's scheduler config asks for. */
  readonly sampling?: ChosenSampling;
  /** Classifier-free guidance; 1 is none. */
  readonly guidanceScale: number;
  /** How far guided predictions are brought back to the conditional one's standard deviation, from 0, the default, to 1. */
  readonly guidanceRescale?: number;
  /** For each control what it sees: [N, 3, H, W] in [0, 1], a row a prompt; rows beyond them are not looked at. */
  readonly conditions?: readonly HostTensor[] | Promise<readonly HostTensor[]>;
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
  /**
   * Request after request. Of a base in files each part is loaded once for many of them; what is drawn by then is decoded, and told, every
   * five minutes.
   * @param onDrawn given the pictures of each request, in their order
   */
  sampleAll(requests: readonly SampleRequest[], onDrawn: (images: readonly RgbImage[]) => void | Promise<void>): Promise<void>;
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
 * training are inputs. Of one whose weights lie in files, text encoders, U-Net and decoder are loaded and let go of one after the other,
 * for all requests that are given at a time, so that memory holds the largest of them.
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
  if (Object.values(base.weights).some(isExternal)) return stagedSampler(base, own, parts);
  const prompts = await parts.prompts(count);
  const denoiser = await parts.denoiser(count, null);
  const decoder = await parts.decoder(parts.latent(count));
  const sample = async (request: SampleRequest): Promise<RgbImage[]> => {
    checkRequest(base, request, own);
    const [encoded] = await prompts.run([promptRows(request, count, guidance)]);
    const given = await givenOf(request, own, count, encoded!);
    request.onStage?.('prompts encoded');
    request.onStage?.('denoiser loaded');
    const latents = await denoise(base, denoiser, own, request, {
      shape: parts.latent(count),
      given: { ...given, ...controlValues(request, own) },
    });
    const images = await decoder.run(latents);
    request.onStage?.('decoded');
    return images.slice(0, request.prompts.length);
  };
  return {
    count,
    sample,
    async sampleAll(requests, onDrawn) {
      for (const request of requests) await onDrawn(await sample(request));
    },
    release: async () => void (await Promise.all([prompts.release(), denoiser.release(), decoder.release()])),
  };
}

type Parts = ReturnType<typeof partsOf>;

/** What a request is drawn from, beside noise: its prompts encoded, and its conditions. */
async function givenOf(
  request: SampleRequest,
  { controls, size }: DenoiserOptions,
  rows: number,
  encoded: Record<string, HostTensor>,
): Promise<Record<string, HostTensor>> {
  const given = { ...encoded };
  for (const [name, tensor] of Object.entries(given)) checkFinite(`The text encoder's ${name}`, tensor);
  const shape = [rows, 3, size.height, size.width];
  const conditions = controls.length === 0 ? [] : await request.conditions;
  controls.forEach((_, i) => (given[`condition${i}`] = conditionRows(conditions?.[i], request.prompts.length, shape, i)));
  return given;
}

/** What is drawn but not decoded for longer than this, a person would not want to lose. */
const DECODED_AFTER_MS = 5 * 60_000;
/** Requests whose prompts and conditions are held at a time. */
const HELD = 32;

/**
 * Does something with each, as long as there is time. What fails behind another ends it: it comes first the next time, and by then nothing
 * is lost.
 * @returns what was made of the first ones, at least one where there are any
 */
async function whileThereIsTime<In, Out>(
  inputs: readonly In[],
  work: (input: In, i: number) => Out | Promise<Out>,
  milliseconds = Infinity,
): Promise<Out[]> {
  const end = performance.now() + milliseconds;
  const made: Out[] = [];
  try {
    for (const [i, input] of inputs.entries()) {
      made.push(await work(input, i));
      if (performance.now() > end) break;
    }
  } catch (error) {
    if (made.length === 0) throw error;
  }
  return made;
}

/** Lets go of a part when its work is done, also when it fails. */
async function letGoAfter<Part extends { release(): Promise<void> }, Out>(
  opening: Promise<Part>,
  work: (part: Part) => Promise<Out>,
): Promise<Out> {
  const part = await opening;
  try {
    return await work(part);
  } finally {
    await part.release();
  }
}

/** Text encoders, U-Net and decoder of a base in files, loaded and let go of one after the other: memory holds the largest of them. */
function stagedSampler(base: Base, own: DenoiserOptions, parts: Parts): Sampler {
  /** Requests of one number of rows. @returns how many of the first ones were drawn */
  const drawn = async (requests: readonly SampleRequest[], onDrawn: Parameters<Sampler['sampleAll']>[1]): Promise<number> => {
    const rows = requests[0]!.prompts.length;
    const encoded = await runOnce(
      parts.prompts(rows),
      requests.map((request) => promptRows(request, rows, own.guidance)),
    );
    const given = await whileThereIsTime(requests, (request, i) => givenOf(request, own, rows, encoded[i]!));
    requests[0]!.onStage?.('prompts encoded');
    // Of one request prompts and conditions are constants of the graph: what depends on them alone is computed once.
    const [alone] = given.length === 1 ? given : [null];
    const loading = parts.denoiser(rows, alone ?? null);
    loading.then(
      () => requests[0]!.onStage?.('denoiser loaded'),
      () => {},
    );
    const latents = await letGoAfter(loading, (denoiser) =>
      whileThereIsTime(
        given.map((one, i) => ({ request: requests[i]!, given: { ...(alone ? {} : one), ...controlValues(requests[i]!, own) } })),
        (one) => denoise(base, denoiser, own, one.request, { shape: parts.latent(rows), given: one.given }),
        DECODED_AFTER_MS,
      ),
    );
    const told = await letGoAfter(parts.decoder(parts.latent(rows)), (decoder) =>
      whileThereIsTime(latents, async (one) => {
        const images = await decoder.run(one);
        requests[0]!.onStage?.('decoded');
        await onDrawn(images);
      }),
    );
    return told.length;
  };
  const sampleAll: Sampler['sampleAll'] = async (requests, onDrawn) => {
    for (const request of requests) checkRequest(base, request, own);
    for (let next = 0; next < requests.length;) {
      const rows = requests[next]!.prompts.length;
      const other = requests.findIndex(({ prompts }, i) => i > next && prompts.length !== rows);
      next += await drawn(requests.slice(next, Math.min(next + HELD, other < 0 ? requests.length : other)), onDrawn);
    }
  };
  return {
    count: own.count,
    async sample(request) {
      const images: RgbImage[] = [];
      await sampleAll([request], (some) => void images.push(...some));
      return images;
    },
    sampleAll,
    release: async () => {},
  };
}

/** Prompts of all rows of a batch: those of the pictures, filled up with empty ones, then what guidance leads away from. */
function promptRows({ prompts, negativePrompt = null, negativePrompts }: SampleRequest, rows: number, guidance: boolean): Prompt[] {
  const filled = (some: readonly Prompt[], otherwise: Prompt): Prompt[] => [...some, ...Array<Prompt>(rows - some.length).fill(otherwise)];
  return guidance ? [...filled(prompts, ''), ...filled(negativePrompts ?? [], negativePrompt)] : filled(prompts, '');
}

/** Everything that can be told before anything is loaded. @throws BaseModelError invalid-argument; DiffusionError invalid-config */
function checkRequest(base: Base, request: SampleRequest, { count, controls }: DenoiserOptions): void {
  const { prompts, negativePrompts = prompts, seed, weights = [] } = request;
  if (prompts.length === 0 || prompts.length > count)
    throw new BaseModelError(
      'invalid-argument',
      `expected 1 to ${count} prompts, for which the sampler was compiled; got ${prompts.length}`,
      { count, prompts: prompts.length },
    );
  if (typeof seed !== 'number' && seed.length !== prompts.length)
    throw new BaseModelError('invalid-argument', `expected a seed for each of ${prompts.length} prompts, got ${seed.length}`, { seed });
  if (negativePrompts.length !== prompts.length)
    throw new BaseModelError(
      'invalid-argument',
      `expected a negative prompt for each of ${prompts.length}, got ${negativePrompts.length}`,
      {
        negativePrompts,
      },
    );
  const open = controls.filter((control) => control.weights === undefined).length;
  if (weights.length !== open)
    throw new BaseModelError('invalid-argument', `expected the weights of ${open} controls, got those of ${weights.length}`, {
      expected: open,
      got: weights.length,
    });
  const steps = schedulerOf(base, request).timesteps.length;
  controls.forEach((control, i) => {
    const { start = 0, end = 1 } = control;
    if (!Array.from({ length: steps }, (_, k) => actsAt(k, steps, control)).includes(true))
      throw new BaseModelError(
        'invalid-argument',
        `control ${i + 1} of ${controls.length} acts at none of the ${steps} steps: none lies whole between ${start} and ${end} of them; give a wider share, or more steps`,
        { control: i, start, end, steps },
      );
  });
}

/** The values of a request by the names that the compiled denoiser has for them. */
function controlValues({ weights = [] }: SampleRequest, { controls }: DenoiserOptions): Record<string, HostTensor> {
  const open = [...controls.entries()].filter(([, control]) => control.weights === undefined);
  return Object.assign({}, ...open.map(([index], i) => valuesOf(weights[i]!, index))) as Record<string, HostTensor>;
}

/** As {@link SampleRequest}, of any number of prompts. */
export interface BatchedRequest extends Omit<SampleRequest, 'firstImage' | 'conditions'> {
  /** For a sampler with controls: what each sees of the pictures start .. end - 1. */
  readonly conditionsOf?: (start: number, end: number) => readonly HostTensor[] | Promise<readonly HostTensor[]>;
  /** Told how many pictures there are, and given the newest: a caller that keeps them loses none when it is stopped. */
  readonly onBatch?: (done: number, newest: readonly RgbImage[]) => void | Promise<void>;
}

/** Pictures of any number of prompts, as many at a time as the sampler draws. */
export async function sampleInBatches(sampler: Sampler, { conditionsOf, onBatch, ...request }: BatchedRequest): Promise<RgbImage[]> {
  const { seed, negativePrompts } = request;
  const requests: SampleRequest[] = [];
  for (let start = 0; start < request.prompts.length; start += sampler.count) {
    const end = start + sampler.count;
    const prompts = request.prompts.slice(start, end);
    requests.push({
      ...request,
      prompts,
      seed: typeof seed === 'number' ? seed : seed.slice(start, end),
      firstImage: start,
      ...(negativePrompts === undefined ? {} : { negativePrompts: negativePrompts.slice(start, end) }),
      get conditions() {
        return conditionsOf?.(start, start + prompts.length);
      },
    });
  }
  const images: RgbImage[] = [];
  await sampler.sampleAll(requests, async (drawn) => {
    images.push(...drawn);
    await onBatch?.(images.length, drawn);
  });
  return images;
}
