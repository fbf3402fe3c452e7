import { describe, expect, it } from 'vitest';
import {
  createSampler,
  sampleInBatches,
  type SampledControl,
  type Sampler,
  type SampleRequest,
  type SamplerOptions,
} from '@controllab/base-model';
import { controlNet, controlNetLite, ldmConcatenation } from '@controllab/controlnet';
import { controlNeXt } from '@controllab/controlnext';
import { withParameters, type Control, type Method } from '@controllab/core-blocks';
import type { RgbImage } from '@controllab/data';
import { combineGuidance, ddim, initialNoise, sample } from '@controllab/diffusion';
import { compile, type HostTensor } from '@controllab/tfjs-onnx';
import { trainedInBase } from '@controllab/training';
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

interface Made {
  control: Control;
  weights: Record<string, HostTensor>;
}

/** A method's control with values as if it had trained: those of the base that train with it, and whatever starts at zero, are moved. */
function made(method: Method, seed: number): Made {
  const control = method.create(base.denoiser().target);
  const start = control.initial(unetWeights, seed);
  const names = trainedInBase({ denoiser: base.denoiser({ extraInputs: control.extraInputs }), control });
  const inBase = Object.fromEntries(names.map((name) => [name, start[name] ?? unetWeights[name.slice('unet.'.length)]!]));
  const moved = Object.entries({ ...inBase, ...start }).map(([name, { data, shape }]): [string, HostTensor] => [
    name,
    { data: Float32Array.from(data, (value, i) => value + (name in start ? 0.1 : 0.005) * Math.sin(seed + i)), shape },
  ]);
  return { control, weights: Object.fromEntries(moved) };
}
const controlNetOf = (seed: number): Made => made(controlNet(), seed);

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

  it.each([controlNet(), controlNetLite(), ldmConcatenation(), controlNeXt()])(
    'lets $id act in its share of the steps alone, in both ways to guide',
    async (method) => {
      const { control, weights } = made(method, 7);
      for (const controlIn of ['both', 'conditional'] as const) {
        const within = (window: Partial<SampledControl>) =>
          draw({ controls: [{ control, weights, ...window }], controlIn }, { conditions: [condition(1)] });
        await expect(within({ start: 0.7 })).rejects.toThrow(/acts at none of the 3 steps/);
        const [off, always, half] = [await within({ scale: 0 }), await within({}), await within({ end: 0.5 })];
        expect(apart(half, off)).toBeGreaterThan(1);
        expect(apart(half, always)).toBeGreaterThan(1);
      }
    },
  );

  it('takes the values of controls with each request, or keeps them', async () => {
    const { control, weights } = controlNetOf(7);
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
    const [a, b] = [controlNetOf(7), controlNetOf(8)];
    const both: SampledControl[] = [{ ...a, scale: 0.5 }, { ...b }];
    const sum = await draw({ controls: both }, { conditions: [condition(1), condition(0.5)] });
    const swapped = await draw({ controls: both.toReversed() }, { conditions: [condition(0.5), condition(1)] });
    expect(apart(sum, swapped)).toBeLessThanOrEqual(1);
    expect(apart(sum, await draw({ controls: [both[1]!] }, { conditions: [condition(0.5)] }))).toBeGreaterThan(5);
  });

  it.each([controlNet(), controlNet({ onlyMid: true }), controlNetLite(), ldmConcatenation(), controlNeXt()])(
    '$id on the conditional half alone: with a guidance of 1 the same, else not',
    async (method) => {
      const control = made(method, 7);
      const request = { prompts: ['a dog'], seed: 5, steps: 2, conditions: [condition(1, 1)] };
      const [both, conditional] = await Promise.all(
        (['both', 'conditional'] as const).map((controlIn) =>
          createSampler(base, { count: 1, guidance: true, controls: [control], controlIn }, engine),
        ),
      );
      const drawn = (sampler: Sampler, guidanceScale: number, conditions = request.conditions): Promise<RgbImage[]> =>
        sampler.sample({ ...request, conditions, guidanceScale });
      expect(apart(await drawn(conditional!, 1), await drawn(both!, 1))).toBeLessThanOrEqual(1);
      expect(apart(await drawn(conditional!, 3), await drawn(both!, 3))).toBeGreaterThan(2);
      // The row without control alone: what it sees is no matter, and where the base is locked it is the picture without control.
      const away = await drawn(conditional!, 0);
      expect(apart(away, await drawn(conditional!, 0, [condition(100, 1)]))).toBeLessThanOrEqual(1);
      if (control.control.trainsInBase === null)
        expect(apart(away, await draw({ count: 1 }, { prompts: ['a dog'], steps: 2, guidanceScale: 0 }))).toBeLessThanOrEqual(1);
      await Promise.all([both!.release(), conditional!.release()]);
    },
  );

  it('draws other sizes', async () => {
    const [image] = await draw({ count: 1, size: { width: 96, height: 48 } }, { prompts: ['a cat'] });
    expect([image!.width, image!.height, image!.rgb.length]).toEqual([96, 48, 96 * 48 * 3]);
  });

  it('names what does not go together', async () => {
    const { control, weights } = controlNetOf(7);
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
    await expect(draw({ controls: [made(ldmConcatenation(), 1), made(ldmConcatenation(), 2)] })).rejects.toThrow(
      /2 controls come with values of their own for the U-Net/,
    );
    await expect(draw({ controls: [made(ldmConcatenation(), 1)], weighting: 'guess' }, { conditions: [condition(1)] })).rejects.toThrow(
      /no such connections/,
    );
  });
});
