import * as tf from '@tensorflow/tfjs';
import { parameterSpecs, withParameters, type Module } from '@controllab/core-blocks';
import { toUNetResiduals, type ControlResiduals } from '@controllab/controlnet';
import { toImages } from '@controllab/data';
import { combineGuidance, initialNoise, NoiseSchedule, sample, SOLVERS, type SolverName } from '@controllab/diffusion';
import { CONTEXT_LENGTH, tokenize, vocabulary, type Tier } from '@controllab/emoji-scenes';
import {
  compile,
  type CompiledFunction,
  type CompileOptions,
  type HostTensor,
  type NamedTensors,
  type TensorSpec,
} from '@controllab/tfjs-onnx';
import { decode, normaliseLatents, type LatentStatistics } from './autoencoder.ts';
import { miniText } from './clip.ts';
import { IMAGE_SIZE, LATENT_CHANNELS, LATENT_SIZE, MINI_SCHEDULE, miniUNet, miniVae, TEXT_WIDTH } from './models.ts';
import { MiniSdError } from './errors.ts';
import { checksum, loadTextEncoder } from './networks.ts';
import { COMMITTED_TIER, type CommunityStyle } from './names.ts';
import { styleAdapter } from './styles.ts';
import { loadWeights, readStatistics } from './weights.ts';

/** The embedded default's frozen weights. */
export interface BaseModel {
  vae: Record<string, HostTensor>;
  /** The U-Net, 'unet.', and its text encoder, 'text.'. */
  denoiser: Record<string, HostTensor>;
  statistics: LatentStatistics;
  tier: Tier;
  /** Checksums of the files, for provenance. */
  hashes: { vae: string; clip: string; unet: string };
}

/** Loads a tier's weights, of a community model with its adapter merged into the U-Net. @throws MiniSdError missing-weights */
export function loadBaseModel(tier: Tier = COMMITTED_TIER, style?: CommunityStyle): BaseModel {
  const vae = loadWeights('vae', tier, miniVae());
  const text = loadTextEncoder(tier);
  const unet = loadWeights('unet', tier, { unet: miniUNet() });
  const adapter = style === undefined ? null : { lora: styleAdapter(), weights: loadWeights(`style-${style}`, tier, styleAdapter()) };
  const adapted = adapter === null ? unet.tensors : adapter.lora.merge(unet.tensors, adapter.weights.tensors);
  const unetHash = adapter === null ? checksum(unet) : `${checksum(unet)}+${checksum(adapter.weights)}`;
  return {
    vae: vae.tensors,
    denoiser: { ...adapted, ...text.tensors },
    statistics: readStatistics(vae.metadata),
    tier,
    hashes: { vae: checksum(vae), clip: text.hash, unet: unetHash },
  };
}

/** A control network as the sampler sees it: any of the variants of packages/controlnet. */
export type ControlModule = Module & {
  forward(sample: tf.Tensor, timesteps: tf.Tensor, encoderHiddenStates: tf.Tensor, controlnetCond: tf.Tensor): ControlResiduals;
};

/** The U-Net's prediction with a control network's residuals added, as the paper's Fig. 3 connects them. */
export function controlledPrediction(
  unet: ReturnType<typeof miniUNet>,
  control: ControlModule,
  { noisy, timesteps, context, condition }: { noisy: tf.Tensor; timesteps: tf.Tensor; context: tf.Tensor; condition: tf.Tensor },
): tf.Tensor {
  return unet.forward(noisy, timesteps, context, toUNetResiduals(control.forward(noisy, timesteps, context, condition)));
}

export interface SampleRequest {
  /** One prompt an image, at most as many as the sampler was compiled for; '' is the empty prompt. */
  prompts: readonly string[];
  /** Noise of image n depends on (seed, firstImage + n) alone, so that variants are compared on the same noise. */
  seed: number;
  /** Number of the first image; 0. */
  firstImage?: number;
  /** Default ddim. */
  solver?: SolverName;
  steps: number;
  /** Classifier-free guidance; 1 runs the conditional branch alone. */
  guidanceScale: number;
  /** [N, 3, 64, 64] in [0, 1], with `controlWeights`, when the sampler was built with a control network. */
  condition?: HostTensor;
  controlWeights?: Record<string, HostTensor>;
}

export interface Sampler {
  /** Images [64, 64, 3], 8-bit. */
  sample(request: SampleRequest): Promise<Uint8Array[]>;
  release(): Promise<void>;
}

/** Latents beyond four standard deviations are none that the autoencoder has seen. */
const LATENT_LIMIT = 4;

/**
 * Compiles the sampling graphs of `count` images: text encoder, U-Net (with or without control) and decoder take constant weights,
 * the control network's weights are inputs, so that one sampler follows a training run.
 */
export async function createSampler(
  base: BaseModel,
  { count, guidance, control }: { count: number; guidance: boolean; control?: ControlModule },
  options: CompileOptions = {},
): Promise<Sampler> {
  const words = vocabulary(base.tier);
  const unet = miniUNet();
  const text = miniText(words.words.length);
  const vae = miniVae();
  const rows = guidance ? 2 * count : count;
  const pick = (prefix: string): Record<string, HostTensor> =>
    Object.fromEntries(Object.entries(base.denoiser).filter(([name]) => name.startsWith(prefix)));
  const controlSpecs: Record<string, TensorSpec> = control === undefined ? {} : parameterSpecs({ control });

  const encoder = await compile(
    ({ inputs, constants }) => withParameters({ text }, constants, () => ({ outputs: { context: text.forward(inputs['ids']!) } })),
    { inputs: { ids: { shape: [rows, CONTEXT_LENGTH], dtype: 'int32' } }, constants: pick('text.') },
    { ...options, name: 'text encoder' },
  );
  const denoiser = await compile(
    ({ inputs, constants }) => {
      const { noisy, timesteps, context, condition } = inputs as {
        noisy: tf.Tensor;
        timesteps: tf.Tensor;
        context: tf.Tensor;
        condition: tf.Tensor;
      };
      const predict = (): tf.Tensor =>
        control === undefined
          ? unet.forward(noisy, timesteps, context)
          : withParameters({ control }, inputs, () => controlledPrediction(unet, control, { noisy, timesteps, context, condition }));
      return { outputs: { v: withParameters({ unet }, constants as NamedTensors, predict) } };
    },
    {
      inputs: {
        noisy: { shape: [rows, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE] },
        timesteps: { shape: [rows] },
        context: { shape: [rows, CONTEXT_LENGTH, TEXT_WIDTH] },
        ...(control === undefined ? {} : { condition: { shape: [rows, 3, IMAGE_SIZE, IMAGE_SIZE] } }),
        ...controlSpecs,
      },
      constants: pick('unet.'),
    },
    { ...options, name: 'denoiser' },
  );
  const decoder: CompiledFunction = await compile(
    ({ inputs, constants }) => withParameters(vae, constants, () => ({ outputs: { images: decode(vae, inputs['latents']!) } })),
    { inputs: { latents: { shape: [count, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE] } }, constants: base.vae },
    { ...options, name: 'VAE decoder' },
  );
  const schedule = new NoiseSchedule(MINI_SCHEDULE);

  return {
    async sample({ prompts, seed, firstImage = 0, solver = 'ddim', steps, guidanceScale, condition, controlWeights = {} }) {
      if (prompts.length === 0 || prompts.length > count)
        throw new MiniSdError(
          'invalid-argument',
          `expected 1 to ${count} prompts, for which the sampler was compiled; got ${prompts.length}`,
          { count, prompts: prompts.length },
        );
      const ids = new Int32Array(rows * CONTEXT_LENGTH);
      for (let n = 0; n < rows; n++) ids.set(tokenize(prompts[n] ?? '', words), n * CONTEXT_LENGTH);
      const { context } = await encoder.run({ ids: { data: ids, shape: [rows, CONTEXT_LENGTH] } });
      const controlInputs = control === undefined ? {} : { ...controlWeights, condition: guidance ? repeat(condition!) : condition! };
      const latents = await sample({
        scheduler: SOLVERS[solver](schedule, { steps, prediction: 'v', spacing: 'trailing', clipSample: LATENT_LIMIT }),
        noise: initialNoise(seed, [count, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE], firstImage),
        predict: async (x, timestep) => {
          const { v } = await denoiser.run({
            noisy: guidance ? repeat(x) : x,
            timesteps: { data: new Float32Array(rows).fill(timestep), shape: [rows] },
            context: context!,
            ...controlInputs,
          });
          if (!guidance) return { data: v!.data as Float32Array, shape: v!.shape };
          const half = v!.data.length / 2;
          const part = (from: number) => ({ data: (v!.data as Float32Array).subarray(from, from + half), shape: x.shape });
          return combineGuidance(part(0), part(half), guidanceScale);
        },
      });
      const { images } = await decoder.run({ latents: normaliseLatents(latents, base.statistics, 'back') });
      return toImages(images!)
        .slice(0, prompts.length)
        .map(({ rgb }) => rgb);
    },
    release: async () => {
      await Promise.all([encoder.release(), denoiser.release(), decoder.release()]);
    },
  };
}

/**
 * Images of any number of prompts, `size` at a time, the number that the sampler was compiled for.
 * @param conditionOf for a sampler with a control network, the condition [size, 3, 64, 64] of prompts start .. end - 1; rows beyond them
 * are not looked at
 * @param onBatch told how many images there are
 */
export async function sampleInBatches(
  sampler: Sampler,
  size: number,
  request: Omit<SampleRequest, 'firstImage' | 'condition'>,
  { conditionOf, onBatch }: { conditionOf?: (start: number, end: number) => HostTensor; onBatch?: (done: number) => void } = {},
): Promise<Uint8Array[]> {
  const images: Uint8Array[] = [];
  for (let start = 0; start < request.prompts.length; start += size) {
    const prompts = request.prompts.slice(start, start + size);
    const condition = conditionOf === undefined ? {} : { condition: conditionOf(start, start + prompts.length) };
    images.push(...(await sampler.sample({ ...request, prompts, firstImage: start, ...condition })));
    onBatch?.(images.length);
  }
  return images;
}

/** The batch twice: the conditional and the unconditional branch. */
function repeat({ data, shape }: HostTensor): HostTensor {
  const twice = new Float32Array(2 * data.length);
  twice.set(data);
  twice.set(data, data.length);
  return { data: twice, shape: [2 * shape[0]!, ...shape.slice(1)] };
}
