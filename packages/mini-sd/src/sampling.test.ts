import { describe, expect, it } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { createSampler, sampleInBatches, type SampledControl, type SampleRequest, type SamplerOptions } from '@controllab/base-model';
import { ControlNetModel, initializeFromUNet, toUNetResiduals } from '@controllab/controlnet';
import { Module, withParameters, type Control } from '@controllab/core-blocks';
import type { RgbImage } from '@controllab/data';
import { combineGuidance, ddim, initialNoise, sample } from '@controllab/diffusion';
import { compile, type HostTensor } from '@controllab/tfjs-onnx';
import { MINI_CONTROLNET } from './control.ts';
import { openMini } from './open-mini.ts';

const engine = { threads: 1 };
const base = openMini();
const unetWeights = Object.fromEntries(
  Object.entries(base.weights).flatMap(([name, t]) => (name.startsWith('unet.') ? [[name.slice('unet.'.length), t as HostTensor]] : [])),
);
const request = { prompts: ['a large cat on a red background', 'a dog'], seed: 5, steps: 3, guidanceScale: 3 };
const condition = (value: number, rows = 2): HostTensor => ({
  data: Float32Array.from({ length: rows * 3 * 4096 }, (_, i) => value * (((i * 7919) % 97) / 97)),
  shape: [rows, 3, 64, 64],
});

/** A ControlNet whose connections are open from the start. */
function controlNet(seed: number): { control: Control; weights: Record<string, HostTensor> } {
  const module = new ControlNetModel(MINI_CONTROLNET, { connection: 'gaussian' });
  const weights = initializeFromUNet(module, unetWeights, seed, 'control');
  const apply: Control['apply'] = (t, strength) =>
    toUNetResiduals(module.forward(t['sample']!, t['timesteps']!, t['context']!, t['condition']!, { conditioningScale: strength }));
  return { control: { module, extraInputs: 0, trainsInBase: null, baseRate: 1, initial: () => weights, apply }, weights };
}

/** Latent diffusion's way: the condition, shrunk, beside the latents. */
function widened(): { control: Control; weights: Record<string, HostTensor> } {
  const conv = unetWeights['conv_in.weight']!;
  const [out, channels, ...kernel] = conv.shape as [number, number, number, number];
  const module = new (class extends Module {})();
  const row = channels * 9;
  const weight = new Float32Array(out * (row + 27));
  for (let o = 0; o < out; o++) {
    weight.set(conv.data.subarray(o * row, (o + 1) * row), o * (row + 27));
    weight.fill(0.05, o * (row + 27) + row, (o + 1) * (row + 27));
  }
  const weights = { 'unet.conv_in.weight': { data: weight, shape: [out, channels + 3, ...kernel] } };
  const apply: Control['apply'] = (t) => ({
    sample: tf.concat([t['sample']!, tf.slice(t['condition']!, [0, 0, 0, 0], [t['sample']!.shape[0]!, 3, 16, 16])], 1),
  });
  return { control: { module, extraInputs: 3, trainsInBase: /^conv_in\.weight$/, baseRate: 1, initial: () => weights, apply }, weights };
}

async function draw(options: Partial<SamplerOptions>, more: Partial<SampleRequest> = {}): Promise<RgbImage[]> {
  const sampler = await createSampler(base, { count: 2, guidance: true, ...options }, engine);
  try {
    return await sampler.sample({ ...request, ...more });
  } finally {
    await sampler.release();
  }
}

/** Of the two pictures, all bytes. */
const bytes = (images: readonly RgbImage[]): Buffer => Buffer.concat(images.map(({ rgb }) => rgb));
const apart = (a: readonly RgbImage[], b: readonly RgbImage[]): number => {
  const [x, y] = [bytes(a), bytes(b)];
  return Math.max(...x.map((value, i) => Math.abs(value - y[i]!)));
};

describe('sampling from the embedded default', () => {
  let plain: RgbImage[];

  it('is encode, denoise with guidance, decode', async () => {
    plain = await draw({});
    const { context } = await base.encodePrompts([...request.prompts, null, null], engine);
    const { unet, predict, inputs } = base.denoiser();
    const network = await compile(
      ({ inputs: t, constants }) => withParameters({ unet }, constants, () => ({ outputs: { v: predict(t) } })),
      { inputs: inputs(4), constants: Object.fromEntries(Object.entries(base.weights).filter(([name]) => name.startsWith('unet.'))) },
      engine,
    );
    const latents = await sample({
      scheduler: ddim(base.schedule, { steps: 3, prediction: 'v', spacing: 'trailing', clipSample: 4 }),
      noise: initialNoise(5, [2, 4, 16, 16]),
      predict: async (x, t) => {
        const twice = { data: Float32Array.from([...x.data, ...x.data]), shape: [4, 4, 16, 16] };
        const { v } = await network.run({ sample: twice, timesteps: { data: new Float32Array(4).fill(t), shape: [4] }, context: context! });
        const half = (from: number) => ({ data: (v!.data as Float32Array).slice(from, from + 2048), shape: x.shape });
        return combineGuidance(half(0), half(2048), 3);
      },
    });
    await network.release();
    expect(bytes(await base.decode(latents, engine)).equals(bytes(plain))).toBe(true);
  });

  it('draws a picture the same in every batch', async () => {
    const sampler = await createSampler(base, { count: 3, guidance: true }, engine);
    const images = await sampleInBatches(sampler, { ...request, prompts: [...request.prompts, '', 'a dog'] });
    await sampler.release();
    expect(images).toHaveLength(4);
    expect(apart(images.slice(0, 2), plain)).toBeLessThanOrEqual(1);
    const noisy = await draw({ count: 1 }, { prompts: ['a dog'], firstImage: 1, solver: 'ddpm' });
    expect(apart(noisy, (await draw({}, { solver: 'ddpm' })).slice(1))).toBeLessThanOrEqual(1);
  });

  it('takes the values of controls with each request, or keeps them', async () => {
    const { control, weights } = controlNet(7);
    const conditions = [condition(1)];
    const followed = await draw({ controls: [{ control }] }, { conditions, weights: [weights] });
    const kept = await draw({ controls: [{ control, weights }] }, { conditions });
    expect(apart(followed, kept)).toBeLessThanOrEqual(1);
    expect(apart(followed, plain)).toBeGreaterThan(20);
    expect(apart(await draw({ controls: [{ control, weights, scale: 0 }] }, { conditions }), plain)).toBeLessThanOrEqual(1);
    const other = await draw({ controls: [{ control, weights }] }, { conditions: [condition(100)] });
    expect(apart(other, kept)).toBeGreaterThan(5);
  });

  it('adds several controls', async () => {
    const [a, b] = [controlNet(7), controlNet(8)];
    const both: SampledControl[] = [{ ...a, scale: 0.5 }, { ...b }];
    const sum = await draw({ controls: both }, { conditions: [condition(1), condition(0.5)] });
    const swapped = await draw({ controls: both.toReversed() }, { conditions: [condition(0.5), condition(1)] });
    expect(apart(sum, swapped)).toBeLessThanOrEqual(1);
    expect(apart(sum, await draw({ controls: [both[1]!] }, { conditions: [condition(0.5)] }))).toBeGreaterThan(5);
  });

  it.each([
    ['residuals', () => controlNet(7)],
    ['a widened input', () => widened()],
  ])('controls with %s on the conditional half alone: with a guidance of 1 the same, else not', async (_, make) => {
    const controls = [make()];
    const conditions = [condition(1)];
    const unguided = await draw({ controls, controlIn: 'conditional' }, { conditions, guidanceScale: 1 });
    expect(apart(unguided, await draw({ controls }, { conditions, guidanceScale: 1 }))).toBeLessThanOrEqual(1);
    expect(
      apart(await draw({ controls, controlIn: 'conditional' }, { conditions }), await draw({ controls }, { conditions })),
    ).toBeGreaterThan(5);
    // Led away from the row without control by nothing at all, it is the picture without control.
    const away = await draw({ controls, controlIn: 'conditional' }, { conditions, guidanceScale: 0 });
    expect(apart(away, await draw({}, { guidanceScale: 0 }))).toBeLessThanOrEqual(1);
  });

  it('draws other sizes', async () => {
    const [image] = await draw({ count: 1, size: { width: 96, height: 48 } }, { prompts: ['a cat'] });
    expect([image!.width, image!.height, image!.rgb.length]).toEqual([96, 48, 96 * 48 * 3]);
  });

  it('names what does not go together', async () => {
    const { control, weights } = controlNet(7);
    await expect(draw({ size: { width: 66, height: 64 } })).rejects.toThrow(/width must be a multiple of 4, got 66; e\.g\. 64 or 68/);
    await expect(draw({}, { prompts: ['a', 'b', 'c'] })).rejects.toThrow(/1 to 2 prompts.*got 3/);
    await expect(draw({ controls: [{ control, weights }] })).rejects.toThrow(/condition 0: expected \[2, 3, 64, 64\].*got none/);
    await expect(draw({ controls: [{ control }] }, { conditions: [condition(1)] })).rejects.toThrow(
      /weights of 1 controls, got those of 0/,
    );
    const incomplete = Object.fromEntries(Object.entries(weights).filter(([name]) => name !== 'control.conv_in.bias'));
    await expect(
      draw({ controls: [{ control, weights: { ...incomplete, 'control.x': weights['control.conv_in.bias']! } }] }),
    ).rejects.toThrow(/missing control\.conv_in\.bias \[64\]\s+unexpected control\.x/);
    await expect(draw({ controls: [widened(), widened()] })).rejects.toThrow(/2 controls come with values of their own for the U-Net/);
    await expect(draw({ controls: [widened()], weighting: 'guess' }, { conditions: [condition(1)] })).rejects.toThrow(
      /no such connections/,
    );
  });
});
