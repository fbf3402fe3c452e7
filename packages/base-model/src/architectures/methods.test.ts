import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  controlLora,
  controlNet,
  controlNetLite,
  controlNetMlp,
  controlNetXs,
  ldmConcatenation,
  piti,
  t2iAdapter,
} from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import {
  AutoencoderKL,
  baseModules,
  conditionSpec,
  controlOptions,
  initialize,
  parameterSpecs,
  withParameters,
  type Control,
  type ControlStrength,
  type Denoiser,
  type Method,
} from '@controllab/core-blocks';
import { normal, uniform } from '@controllab/data';
import { ddim, NoiseSchedule, sample } from '@controllab/diffusion';
import {
  compileTrainStep,
  constantRate,
  denoisingStep,
  initialTrainState,
  optimizerInputs,
  stateTensors,
  trainedInBase,
} from '@controllab/training';
import { compile, trace, type CompiledFunction, type HostTensor, type NamedTensors, type TensorSpec } from '@controllab/tfjs-onnx';
import { tracedEncoder } from '../checkpoint/autoencoder.ts';
import { imageDenoiser, videoDenoiser } from './denoisers.ts';

type Tensors = Record<string, HostTensor>;

const METHODS: readonly Method[] = [
  controlNet(),
  controlNet({ copy: 'random' }),
  controlNet({ connection: 'gaussian' }),
  controlNet({ onlyMid: true }),
  controlNet({ jointRate: 0.1 }),
  controlNet({ conditionEncoder: 'autoencoder' }),
  controlNet({ levels: 1 }),
  controlNetLite(),
  controlNetMlp(),
  controlNetXs(),
  controlLora({ rank: 2 }),
  t2iAdapter(),
  piti(),
  piti({ jointRate: 0.1 }),
  ldmConcatenation(),
  ldmConcatenation({ condition: 'resized' }),
  controlNeXt(),
  controlNeXt({ normalization: 'zero-convolution', trains: 'none' }),
];
/** Those that change the base's prediction before any training. */
const DISTURBING = ['controlnet-gaussian', 'controlnext', 't2i-adapter', 'piti', 'piti-joint'];

const BATCH = 2;
const ENGINE = { threads: 1 };
const SETTING = { factor: 4, latent: { height: 4, width: 4 } };

/** Four pixels a latent. */
const autoencoder = new AutoencoderKL({
  block_out_channels: [4, 4, 8],
  down_block_types: Array<string>(3).fill('DownEncoderBlock2D'),
  up_block_types: Array<string>(3).fill('UpDecoderBlock2D'),
  layers_per_block: 1,
  norm_num_groups: 2,
});

const image = (extraInputs = 0): Denoiser =>
  imageDenoiser(
    {
      block_out_channels: [8, 16],
      down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'],
      up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
      layers_per_block: 1,
      attention_head_dim: 2,
      cross_attention_dim: 8,
      norm_num_groups: 4,
    },
    { ...SETTING, family: 'mini', tokens: 5, extraInputs, latentEncoder: tracedEncoder(autoencoder) },
  );
const video = (): Denoiser =>
  videoDenoiser(
    {
      block_out_channels: [32, 32],
      down_block_types: ['DownBlockSpatioTemporal', 'CrossAttnDownBlockSpatioTemporal'],
      up_block_types: ['CrossAttnUpBlockSpatioTemporal', 'UpBlockSpatioTemporal'],
      layers_per_block: 1,
      num_attention_heads: 2,
      cross_attention_dim: 8,
      addition_time_embed_dim: 4,
      projection_class_embeddings_input_dim: 12,
    },
    { ...SETTING, family: 'svd', tokens: 1, frames: 3 },
  );

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const strengths = (...values: number[]): HostTensor => ({ data: Float32Array.from(values), shape: [values.length, 1, 1, 1] });
const largest = (a: Float32Array, b: Float32Array): number => a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
/** Two graphs of the same numbers, fused otherwise. */
const ROUNDING = 2e-6;

/** A random base model, a control of it, and where the control starts. */
function madeFor(method: Method, make: (extraInputs?: number) => Denoiser) {
  const control = method.create(make().target);
  const plain = initialize(make().unet, 1);
  const denoiser = make(control.extraInputs);
  const { vae } = baseModules(denoiser, control);
  return {
    control,
    denoiser,
    base: {
      ...Object.fromEntries(Object.entries(plain).map(([name, tensor]) => [`unet.${name}`, tensor])),
      ...(vae === undefined ? {} : initialize(vae, 1, 'vae')),
    },
    start: control.initial(plain, 2),
  };
}

function inputsOf(denoiser: Denoiser): Record<string, TensorSpec> {
  const own = denoiser.inputs(BATCH);
  return { ...own, condition: conditionSpec(denoiser.target, own['sample']!) };
}

/** Numbers for inputs: time steps, a condition in [0, 1), the rest of unit variance. */
const numbersFor = (specs: Record<string, TensorSpec>): Tensors =>
  Object.fromEntries(
    Object.entries(specs).map(([name, { shape }]) => {
      if (name === 'timesteps') return [name, { data: Float32Array.from({ length: sizeOf(shape) }, (_, n) => 10 + 600 * n), shape }];
      return [name, { data: (name === 'condition' ? uniform : normal)(3, name, 0, sizeOf(shape)), shape }];
    }),
  );

const predict = (denoiser: Denoiser, control: Control, t: NamedTensors, strength?: ControlStrength): NamedTensors => {
  const modules = { ...baseModules(denoiser, control), control: control.module };
  return { v: withParameters(modules, t, () => denoiser.predict(t, controlOptions(control, denoiser, t, strength))) };
};

/** The prediction under a control; weights and a strength for each sample are inputs. */
function compileControlled(denoiser: Denoiser, control: Control): Promise<CompiledFunction> {
  const parameters = parameterSpecs({ ...baseModules(denoiser, control), control: control.module });
  const inputs = { ...inputsOf(denoiser), ...parameters, strength: { shape: [BATCH, 1, 1, 1] } };
  return compile(({ inputs: t }) => ({ outputs: predict(denoiser, control, t, t['strength']!) }), { inputs }, ENGINE);
}

/** The base's own prediction. */
async function predictAlone(denoiser: Denoiser, weights: Tensors): Promise<Float32Array> {
  const alone = await compile(
    ({ inputs: t }) => ({ outputs: { v: withParameters({ unet: denoiser.unet }, t, () => denoiser.predict(t)) } }),
    { inputs: { ...denoiser.inputs(BATCH), ...parameterSpecs({ unet: denoiser.unet }) } },
    ENGINE,
  );
  const unet = Object.fromEntries(Object.entries(weights).filter(([name]) => name.startsWith('unet.')));
  const { v } = await alone.run({ ...numbersFor(denoiser.inputs(BATCH)), ...unet });
  await alone.release();
  return v!.data as Float32Array;
}

/** Trains on one batch. @returns the losses, and the weights after the last step */
async function train(
  { denoiser, control, base, start }: ReturnType<typeof madeFor>,
  steps: number,
  { recompute = false } = {},
): Promise<[number[], Tensors]> {
  const model = { denoiser, text: null, weights: base, control };
  const definition = denoisingStep(model, { batchSize: BATCH, weightDecay: 0.01, ema: null }, { name: 'training', recompute });
  const inBase = Object.fromEntries(trainedInBase(model).map((name) => [name, start[name] ?? base[name]!]));
  const step = await compileTrainStep(definition, ENGINE);
  step.state = initialTrainState({ ...inBase, ...start });
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const rates = optimizerInputs(step.optimizer, constantRate({ peak: 1e-2 }), i, 1);
    const { loss } = await step.run({ ...numbersFor(definition.inputs), ...rates });
    losses.push(loss!.data[0]!);
  }
  const trained = stateTensors(step.state, 'p');
  await step.release();
  return [losses, trained as Tensors];
}

describe.each(METHODS.map((method) => [method.id, method] as const))('%s', (id, method) => {
  const made = madeFor(method, image);
  const { denoiser, control, base, start } = made;
  const fed = numbersFor(inputsOf(denoiser));
  let controlled: CompiledFunction;
  let alone: Float32Array;
  beforeAll(async () => {
    controlled = await compileControlled(denoiser, control);
    alone = await predictAlone(image(), base);
  });
  afterAll(() => controlled.release());
  // Compiling a step is what takes time here: one training serves two tests.
  let training: ReturnType<typeof train> | undefined;
  const trainOnce = (): ReturnType<typeof train> => (training ??= train(made, 6));
  const run = async (weights: Tensors, strength: HostTensor, x = fed['sample']!): Promise<Float32Array> =>
    (await controlled.run({ ...fed, ...base, ...weights, sample: x, strength }))['v']!.data as Float32Array;

  it(DISTURBING.includes(id) ? 'acts before any training' : 'starts at the base model’s prediction', async () => {
    const difference = largest(await run(start, strengths(1, 1)), alone);
    if (DISTURBING.includes(id)) expect(difference).toBeGreaterThan(0.01);
    // A convolution over more channels sums in another order, be their weights zero.
    else if (id.startsWith('ldm-concatenation')) expect(difference).toBeLessThan(ROUNDING);
    else expect(difference).toBe(0);
  });

  it('is the same graph without a strength and at strength 1', () => {
    const inputs = { ...inputsOf(denoiser), ...parameterSpecs({ ...baseModules(denoiser, control), control: control.module }) };
    const ops = (strength?: number) =>
      trace(({ inputs: t }) => ({ outputs: predict(denoiser, control, t, strength) }), { inputs }).nodes.map(({ op }) => op);
    expect(ops(1)).toEqual(ops());
    expect(ops(0.5).length).toBeGreaterThan(ops().length);
  });

  it('trains alike with the insides of blocks computed again', async () => {
    const [[losses], [again]] = [await trainOnce(), await train(made, 3, { recompute: true })];
    // Gradients of a tensor that several blocks read are summed in another order: float32's rounding, seen through three updates.
    for (const [i, loss] of again.entries()) expect(Math.abs(loss - losses[i]!) / losses[i]!).toBeLessThan(1e-6 * 10 ** i);
  });

  it('trains, draws with what it learnt, and at strength 0 as the base does', async () => {
    const [losses, trained] = await trainOnce();
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    const moved = largest(await run(trained, strengths(1, 1)), alone);
    expect(moved).toBeGreaterThan(1e-3);

    const half = alone.length / 2;
    const mixed = await run({ ...trained, ...base, ...widened(start, trained) }, strengths(0, 1));
    expect(largest(mixed.subarray(0, half), alone.subarray(0, half))).toBeLessThan(ROUNDING);
    expect(largest(mixed.subarray(half), alone.subarray(half))).toBeGreaterThan(1e-3);

    const draw = (weights: Tensors): Promise<{ data: Float32Array }> =>
      sample({
        scheduler: ddim(new NoiseSchedule({ schedule: 'cosine' }), { steps: 2, prediction: 'v' }),
        noise: fed['sample'] as { data: Float32Array; shape: readonly number[] },
        predict: async (x) => ({ data: await run(weights, strengths(1, 1), x), shape: x.shape }),
      });
    const [before, after] = [await draw(start), await draw(trained)];
    expect(after.data.every(Number.isFinite)).toBe(true);
    expect(largest(after.data, before.data)).toBeGreaterThan(1e-3);
  });
});

/** Of a widened input [O, C, 3, 3]: the base's channels as they were, the new ones as they were trained. */
function widened(start: Tensors, trained: Tensors): Tensors {
  const name = 'unet.conv_in.weight';
  if (start[name] === undefined) return {};
  const { data, shape } = start[name];
  const isNew = (i: number): boolean => Math.floor(i / 9) % shape[1]! >= 4;
  return { [name]: { data: (data as Float32Array).map((x, i) => (isNew(i) ? trained[name]!.data[i]! : x)), shape } };
}

describe.each([controlNet(), controlNet({ connection: 'gaussian' }), controlNetLite(), controlNeXt()].map((m) => [m.id, m] as const))(
  '%s on videos',
  (id, method) => {
    it('acts on every frame of a video as strongly as on its others', async () => {
      const { denoiser, control, base, start } = madeFor(method, video);
      const fed = { ...numbersFor(inputsOf(denoiser)), ...base, ...start };
      const controlled = await compileControlled(denoiser, control);
      const alone = await predictAlone(denoiser, base);
      const { v } = await controlled.run({ ...fed, strength: strengths(0, 1) });
      await controlled.release();
      const [first, second] = [0, 1].map((n) => {
        const part = (x: Float32Array) => x.subarray((n * alone.length) / 2, ((n + 1) * alone.length) / 2);
        return largest(part(v!.data as Float32Array), part(alone));
      });
      expect(first).toBeLessThan(ROUNDING);
      if (DISTURBING.includes(id)) expect(second).toBeGreaterThan(0.01);
      else expect(second).toBe(0);
    });
  },
);

describe('methods', () => {
  it('have names that fit an id, a file and a URL, and choices that are JSON', () => {
    const ids = METHODS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, config } of METHODS) {
      expect(id).toMatch(/^[a-z0-9-]+$/);
      expect(JSON.parse(JSON.stringify(config))).toEqual(config);
    }
  });

  // T2I-Adapter unshuffles by any factor, and means are taken over blocks of any size.
  const factored = METHODS.filter(({ id }) => id !== 't2i-adapter' && id !== 'ldm-concatenation-resized');
  it.each(factored.map((method) => [method.id, method] as const))('%s refuses a base that it has no recipe for by name', (_, method) => {
    const { target } = image();
    expect(() => method.create({ ...target, family: 'pixart', factor: 16 })).toThrow(/'pixart'/);
  });
});
