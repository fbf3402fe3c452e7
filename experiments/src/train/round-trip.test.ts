import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSampler, openControl } from '@controllab/base-model';
import { controlLora, controlNet, controlNetLite, controlNetXs, piti, t2iAdapter } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import { readConstant, withParameters, type Method, type Weights } from '@controllab/core-blocks';
import { openMini } from '@controllab/mini-sd';
import { compile, type HostTensor } from '@controllab/tfjs-onnx';
import { compileTrainStep, denoisingStep, initialTrainState, stateTensors, trainedInBase, type Recipe } from '@controllab/training';
import { onBase } from '../runner/on-base.ts';
import { writeCldm, writeControl } from './output/write-control.ts';
import { writeOnnx } from './output/write-onnx.ts';
import { miniControlNet, miniInputs, TIMESTEPS } from './testing/mini-case.ts';

/** diffusers 0.42 on the exported base and ControlNet, and the loss of its train_controlnet.py: fixtures/make/mini_controlnet.py. */
const DIFFUSERS = {
  places: [0, 279, 558, 837, 1116, 1395, 1675, 1954, 2233, 2512, 2791, 3071],
  prediction: [
    0.9933815, -0.9079134, 0.4539866, -1.270209, 1.067117, -0.6087663, 1.556916, -0.1420487, -0.8816546, -0.496837, 0.06355725, -0.5627639,
  ],
  loss: 1.496363,
  weighted: 0.3551966,
  gradientNorm: 1.314228,
  gradients: {
    'conv_in.weight': [-0.0115996, -0.0153781, -0.00920747, 0.00183985],
    'controlnet_cond_embedding.conv_in.bias': [-0.000373561, 0.000386356, -0.000316125, 0.000323253],
    'controlnet_down_blocks.0.weight': [0.00594827, 0.00329683, 0.00101477, -0.000370586],
  },
};

const engine = { threads: 1 };
const base = openMini();
const { control, weights } = miniControlNet(base);
const trained = { method: controlNet(), control, target: base.denoiser().target, weights };
let root: string;
beforeAll(() => void (root = mkdtempSync(path.join(os.tmpdir(), 'round-trip-'))));
afterAll(() => rmSync(root, { recursive: true }));

/** The base's prediction of the batch under a control's values. */
async function predict(values: Weights): Promise<Float32Array> {
  const denoiser = base.denoiser();
  const network = await compile(
    ({ inputs, constants }) =>
      withParameters({ unet: denoiser.unet, control: control.module }, constants, () => ({
        outputs: { prediction: denoiser.predict(inputs, control.apply(inputs)) },
      })),
    {
      inputs: Object.fromEntries(Object.entries(miniInputs(base)).map(([name, { shape }]) => [name, { shape }])),
      constants: { ...base.weights, ...values },
    },
    engine,
  );
  const { prediction } = await network.run(miniInputs(base));
  await network.release();
  return prediction!.data as Float32Array;
}

/** One step of training on the batch: its loss, and the gradients, which the first moments are after it. */
async function step(more: Partial<Recipe> = {}, lossWeights?: HostTensor) {
  const { model } = onBase(base, control);
  const recipe = { batchSize: TIMESTEPS.length, weightDecay: 0, ema: null, ...more };
  const definition = denoisingStep({ ...model, text: null }, recipe, { name: 'step' });
  const compiled = await compileTrainStep(definition, engine);
  compiled.state = initialTrainState(weights);
  const scalar = (value: number): HostTensor => ({ data: Float32Array.of(value), shape: [] });
  const { loss } = await compiled.run({
    ...miniInputs(base),
    ...(lossWeights === undefined ? {} : { lossWeights }),
    learning_rate: scalar(1e-5),
    bias_correction1: scalar(10),
    bias_correction2: scalar(1000),
  });
  const gradients = stateTensors(compiled.state, 'm');
  await compiled.release();
  return { loss: loss!.data[0]!, gradients };
}

const norm = (tensors: Record<string, HostTensor>): number =>
  Math.sqrt(Object.values(tensors).reduce((sum, { data }) => Array.from(data).reduce((s, x) => s + x * x, sum), 0));

describe("beside diffusers, on the embedded default in diffusers' layout", () => {
  it('predicts the same under the same ControlNet', async () => {
    const prediction = await predict(weights);
    DIFFUSERS.places.forEach((place, i) => expect(Math.abs(prediction[place]! - DIFFUSERS.prediction[i]!)).toBeLessThan(1e-5));
  });

  it("has train_controlnet.py's loss and gradients", async () => {
    const { loss, gradients } = await step();
    expect(loss).toBeCloseTo(DIFFUSERS.loss, 5);
    expect(norm(gradients) / DIFFUSERS.gradientNorm).toBeCloseTo(1, 4);
    for (const [name, expected] of Object.entries(DIFFUSERS.gradients))
      expected.forEach((value, i) => expect(Math.abs(gradients[`control.${name}`]!.data[i]! / value - 1)).toBeLessThan(1e-3));
  });

  it("has its loss under min-SNR weights, and torch's clipped gradients", async () => {
    const { minSnrWeight } = await import('@controllab/diffusion');
    const data = Float32Array.from(TIMESTEPS, (t) => minSnrWeight(base.prediction, base.schedule, t, 5));
    const weighted = await step({ snrGamma: 5 }, { data, shape: [TIMESTEPS.length] });
    expect(weighted.loss).toBeCloseTo(DIFFUSERS.weighted, 5);
    const clipped = await step({ maxGradNorm: 0.5 });
    expect(norm(clipped.gradients)).toBeCloseTo(0.5, 4);
    const expected = (DIFFUSERS.gradients['conv_in.weight'][0]! * 0.5) / DIFFUSERS.gradientNorm;
    expect(clipped.gradients['control.conv_in.weight']!.data[0]! / expected).toBeCloseTo(1, 3);
  });
});

/** What diffusers' save_pretrained writes beside the widths: each of its arguments, at its default. */
const SAVED = {
  act_fn: 'silu', addition_embed_type: null, addition_embed_type_num_heads: 64, addition_time_embed_dim: null, class_embed_type: null,
  conditioning_channels: 3, controlnet_conditioning_channel_order: 'rgb', downsample_padding: 1, encoder_hid_dim: null,
  encoder_hid_dim_type: null, flip_sin_to_cos: true, freq_shift: 0, global_pool_conditions: false, mid_block_scale_factor: 1,
  mid_block_type: 'UNetMidBlock2DCrossAttn', norm_eps: 1e-5, num_attention_heads: null, num_class_embeds: null,
  only_cross_attention: false, projection_class_embeddings_input_dim: null, resnet_time_scale_shift: 'default',
  transformer_layers_per_block: 1, upcast_attention: false,
}; // prettier-ignore

describe('what a training writes', () => {
  /** Names, shapes and a checksum of the values: a comparison value by value takes half a minute. */
  const host = (values: Weights): Record<string, string> =>
    Object.fromEntries(
      Object.entries(values).map(([name, tensor]) => {
        const { data, shape } = readConstant(tensor);
        return [name, `${shape.join()} ${createHash('sha256').update(data).digest('hex')}`];
      }),
    );

  it("opens as it was: diffusers' directory, as diffusers saves it too, and the original single file", async () => {
    await writeControl(path.join(root, 'control'), trained, { dtype: 'F32', metadata: {} });
    expect(host(openControl(path.join(root, 'control'), base).weights)).toEqual(host(weights));
    cpSync(path.join(root, 'control'), path.join(root, 'saved'), { recursive: true });
    const config = JSON.parse(readFileSync(path.join(root, 'control', 'config.json'), 'utf8')) as object;
    writeFileSync(path.join(root, 'saved', 'config.json'), JSON.stringify({ ...SAVED, ...config }));
    expect(host(openControl(path.join(root, 'saved'), base).weights)).toEqual(host(weights));
    writeCldm(root, trained, 'F32');
    const names = readFileSync(path.join(root, 'cldm.safetensors')).subarray(0, 60_000).toString('latin1');
    for (const name of [
      'input_hint_block.4.weight',
      'zero_convs.5.0.bias',
      'middle_block_out.0.weight',
      'input_blocks.1.0.in_layers.2.weight',
    ])
      expect(names).toContain(`"control_model.${name}"`);
  });

  it('computes the same as ONNX', async () => {
    const denoiser = base.denoiser();
    writeOnnx(root, trained, denoiser, { width: 16, height: 16 });
    const session = await ort.InferenceSession.create(path.join(root, 'model.onnx'));
    const { sample, timesteps, context, condition } = miniInputs(base);
    const first = ({ data, shape }: HostTensor): ort.Tensor => {
      const row = [1, ...shape.slice(1)];
      return new ort.Tensor('float32', (data as Float32Array).slice(0, data.length / shape[0]!), row);
    };
    const found = await session.run({
      sample: first(sample!),
      timestep: first(timesteps!),
      encoder_hidden_states: first(context!),
      controlnet_cond: first(condition!),
      conditioning_scale: new ort.Tensor('float32', [0.5], []),
    });
    const inputs = Object.fromEntries(
      Object.entries({ sample, timesteps, context, condition }).map(([name, tensor]) => {
        const { data, dims } = first(tensor!);
        return [name, { data: data as Float32Array, shape: dims }];
      }),
    );
    const network = await compile(
      ({ inputs: t, constants }) =>
        withParameters({ control: control.module }, constants, () => {
          const { downBlockAdditionalResiduals: down = [], midBlockAdditionalResidual: mid } = control.apply(t, 0.5);
          return {
            outputs: {
              ...Object.fromEntries(down.map((residual, i) => [`down_block_res_samples_${i}`, residual])),
              mid_block_res_sample: mid!,
            },
          };
        }),
      { inputs: Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, { shape }])), constants: weights },
      engine,
    );
    const expected = await network.run(inputs);
    expect(Object.keys(found).sort()).toEqual(
      Object.keys(expected)
        .map((name) => `out ${name}`)
        .sort(),
    );
    for (const [name, { data }] of Object.entries(expected)) {
      const largest = Array.from(data).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      data.forEach((value, i) => expect(Math.abs((found[`out ${name}`]!.data as Float32Array)[i]! - value) / largest).toBeLessThan(1e-5));
    }
    await network.release();
  });

  it.each<[string, Method]>([
    ['ControlNeXt in its released layout', controlNeXt()],
    ['ControlNet-lite', controlNetLite()],
    ['a ControlNet at the middle block', controlNet({ onlyMid: true })],
    ['a ControlNet of latents', controlNet({ conditionEncoder: 'autoencoder' })],
    ['ControlNet-XS', controlNetXs()],
    ['Control-LoRA', controlLora()],
    ['T2I-Adapter', t2iAdapter()],
    ['PITI', piti()],
  ])('%s opens as it was', async (label, method) => {
    const own = method.create(base.denoiser().target);
    const unet = Object.fromEntries(
      Object.entries(base.weights).flatMap(([name, t]) => (name.startsWith('unet.') ? [[name.slice(5), t]] : [])),
    );
    const tuned = trainedInBase({ denoiser: base.denoiser(), control: own }).map((name) => {
      const { data, shape } = readConstant(base.weights[name]!);
      return [name, { data: Float32Array.from(data, (value, i) => value + 1e-3 * Math.sin(i)), shape }] as const;
    });
    const values = { ...own.initial(unet, 2), ...Object.fromEntries(tuned) };
    const folder = path.join(root, label);
    await writeControl(folder, { method, control: own, target: base.denoiser().target, weights: values }, { dtype: 'F32', metadata: {} });
    const opened = openControl(folder, base);
    expect(host(opened.weights)).toEqual(host(values));
    const condition = { data: new Float32Array(3 * 64 * 64), shape: [1, 3, 64, 64] };
    const sampler = await createSampler(base, { count: 1, guidance: false, controls: [opened] }, engine);
    const [image] = await sampler.sample({ prompts: [''], seed: 1, steps: 1, guidanceScale: 1, conditions: [condition] });
    expect(image!.width).toBe(64);
    await sampler.release();
  });
});
