import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { piti } from '@controllab/controlnet';
import { readConstant, readSafetensors, writeSafetensors } from '@controllab/core-blocks';
import type { ChosenSampling, SolverName } from '@controllab/diffusion';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Base } from '../base.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { openControl } from '../control/open-control.ts';
import reference from '../testing/diffusers-reference.json' with { type: 'json' };
import { writeTinyControlNet, writeTinyModel } from '../testing/tiny-checkpoint.ts';
import { compileDenoiser, type DenoiserOptions, type SampledControl } from './compile-denoiser.ts';
import { actsAt, denoise } from './denoise.ts';
import { createSampler } from './sampler.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'denoise-'));
const at = (...names: string[]): string => path.join(directory, ...names);
const engine = { threads: 1 };
const [width, height] = [32, 16];
let base: Base;
let controls: Pick<SampledControl, 'control' | 'weights'>[];

beforeAll(() => {
  writeTinyModel(at('model'));
  writeTinyControlNet(at('control'));
  writeTinyControlNet(at('control2'), { seed: 6 });
  base = openCheckpoint(at('model'));
  controls = ['control', 'control2'].map((name) => openControl(at(name), base));
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

/** What fixtures/make/generate_reference.py shows the first control; the second sees it mirrored. */
const pixel = (i: number): number => (i % 7) / 7;
const conditions: HostTensor[] = [(i: number) => i, (i: number) => i - (i % width) + width - 1 - (i % width)].map((from) => ({
  data: Float32Array.from({ length: 3 * height * width }, (_, i) => pixel(from(i))),
  shape: [1, 3, height, width],
}));

interface Case {
  readonly prompt?: string;
  readonly scale?: number;
  readonly rescale?: number;
  readonly solver?: SolverName;
  readonly sampling?: ChosenSampling;
  readonly guess?: boolean;
  /** What each control is given beside its weights. */
  readonly controls?: readonly Pick<SampledControl, 'scale' | 'start' | 'end'>[];
}

async function latents({ prompt = 'a cat', scale = 4, rescale = 0, solver, sampling, guess = false, controls: own = [] }: Case) {
  const options: DenoiserOptions = {
    count: 1,
    guidance: scale > 1,
    controls: own.map((control, i) => ({ ...controls[i]!, ...control })),
    controlIn: guess ? 'conditional' : 'both',
    weighting: guess ? 'guess' : 'equal',
    size: { width, height },
  };
  const given = {
    ...(await base.encodePrompts(options.guidance ? [prompt, ''] : [prompt], engine)),
    ...Object.fromEntries(own.map((_, i) => [`condition${i}`, conditions[i]!])),
  };
  const denoiser = await compileDenoiser(base, options, given, engine);
  const request = { seed: 3, steps: 6, guidanceScale: scale, guidanceRescale: rescale, solver, sampling };
  const { data } = await denoise(base, denoiser, options, request, { shape: [1, 4, height / 8, width / 8], given: {} });
  await denoiser.release();
  return data;
}

describe('latents of diffusers', () => {
  const cases: Record<keyof typeof reference.latents, Case> = {
    'no control': {},
    'guidance 0': { scale: 0 },
    'guidance rescale 0.7': { rescale: 0.7 },
    // The spacing changes nothing there, and beside karras none is taken.
    'dpm++2m, trailing, karras': { solver: 'dpm++2m', sampling: { sigmas: 'karras' } },
    control: { controls: [{ scale: 0.8 }] },
    'window 0.2 to 0.7': { controls: [{ scale: 0.8, start: 0.2, end: 0.7 }] },
    'window 0 to 0.5': { controls: [{ end: 0.5 }] },
    'window 0.5 to 1': { controls: [{ start: 0.5 }] },
    'two controls with windows': {
      controls: [
        { scale: 0.8, end: 0.4 },
        { scale: 1.2, start: 0.35 },
      ],
    },
    'guess mode, empty prompt': { prompt: '', guess: true, controls: [{}] },
    'guess mode with a window': { prompt: '', guess: true, controls: [{ end: 0.5 }] },
    'guess mode without guidance': { prompt: '', guess: true, scale: 1, controls: [{}] },
  };

  it.each(Object.keys(reference.latents) as (keyof typeof reference.latents)[])('%s', async (name) => {
    const data = await latents(cases[name]);
    reference.latents[name].forEach((value, i) => expect(Math.abs(data[i]! - value)).toBeLessThan(2e-4 * Math.max(1, Math.abs(value))));
  });

  it('are all of them different ones', () => {
    expect(new Set(Object.values(reference.latents).map(String)).size).toBe(12);
  });
});

describe("a control that gives a context in the text's place", () => {
  async function predict(
    prompts: readonly string[],
    { control, ...options }: { control?: Partial<SampledControl>; controlIn?: 'conditional' } = {},
  ): Promise<Float32Array[]> {
    const made = piti().create(base.denoiser().target);
    const denoiser = await compileDenoiser(
      base,
      {
        count: 1,
        guidance: prompts.length === 2,
        controls: control === undefined ? [] : [{ control: made, weights: made.initial({}, 1), ...control }],
        controlIn: 'both',
        weighting: 'equal',
        size: { width, height },
        ...options,
      },
      { ...(await base.encodePrompts(prompts, engine)), ...(control === undefined ? {} : { condition0: conditions[0]! }) },
      engine,
    );
    const held = await denoiser.hold({});
    const { data } = await held.predict({ data: Float32Array.from({ length: 32 }, (_, i) => Math.sin(i)), shape: [1, 4, 2, 4] }, 501);
    await denoiser.release();
    return prompts.map((_, n) => (data as Float32Array).slice(n * 32, (n + 1) * 32));
  }
  const apart = (a: Float32Array, b: Float32Array): number => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

  it('stands for the prompt: guidance leads away from the base without one, wherever control is to enter', async () => {
    const [conditioned] = await predict(['a cat'], { control: {} });
    const [alone, without] = await predict(['a cat', '']);
    expect(apart(conditioned!, alone!)).toBeGreaterThan(1e-3);
    for (const controlIn of [{}, { controlIn: 'conditional' }] as const) {
      const [first, second] = await predict(['a dog', ''], { control: {}, ...controlIn });
      expect(apart(first!, conditioned!)).toBeLessThan(1e-5);
      expect(apart(second!, without!)).toBeLessThan(1e-5);
    }
  });

  it('is mixed with the text at a strength below 1, and is the text at 0', async () => {
    const [alone] = await predict(['a cat']);
    const [none, half, whole] = await Promise.all([0, 0.5, 1].map(async (scale) => (await predict(['a cat'], { control: { scale } }))[0]!));
    expect(apart(none!, alone!)).toBeLessThan(1e-5);
    expect(apart(half!, alone!)).toBeGreaterThan(1e-4);
    expect(apart(half!, whole!)).toBeGreaterThan(1e-4);
  });
});

it('acts from the step that begins at start to the one that ends by end', () => {
  const steps = (n: number, window: { start?: number; end?: number }): string =>
    Array.from({ length: n }, (_, k) => (actsAt(k, n, window) ? 'x' : '.')).join('');
  expect([steps(6, { start: 0.2, end: 0.7 }), steps(6, { end: 0.5 }), steps(6, { start: 0.5 })]).toEqual(['..xx..', 'xxx...', '...xxx']);
  expect([steps(10, { end: 0.25 }), steps(1, { end: 0.9 }), steps(3, {})]).toEqual(['xx........', '.', 'xxx']);
});

describe('values that are not finite', () => {
  /** A picture of the base with one value of its weights replaced. */
  async function draw(component: string, name: string, value: number): Promise<unknown> {
    const broken = fs.mkdtempSync(at('broken-'));
    fs.cpSync(at('model'), broken, { recursive: true });
    const file = path.join(
      broken,
      component,
      fs.readdirSync(path.join(broken, component)).find((entry) => entry.endsWith('.safetensors'))!,
    );
    const tensors = readSafetensors(file);
    const values = Object.fromEntries(tensors.names().map((key) => [key, readConstant(tensors.external(key))]));
    values[name]!.data[0] = value;
    writeSafetensors(file, values);
    const sampler = await createSampler(openCheckpoint(broken), { count: 1, guidance: true, size: { width, height } }, engine);
    return sampler.sample({ prompts: ['a cat'], seed: 1, steps: 2, guidanceScale: 4 }).finally(() => sampler.release());
  }

  it.each([
    [
      'unet',
      'conv_out.bias',
      NaN,
      /^The U-Net's prediction at step 1 of 2 \(timestep 501\) is not finite: 16 of 64 values, the first NaN at \[0, 0, 0, 0\]/,
    ],
    ['unet', 'conv_out.bias', -Infinity, /^The U-Net's prediction at step 1 of 2 .* the first -Infinity at/],
    [
      'vae',
      'decoder.conv_out.bias',
      Infinity,
      /^The VAE decoder's picture 0 is not finite: 512 of 1536 values, the first Infinity at \[0, 0, 0, 0\]/,
    ],
    [
      'text_encoder',
      'text_model.final_layer_norm.bias',
      NaN,
      /^The text encoder's context is not finite: 24 of 192 values, the first NaN at \[0, 0, 0\]/,
    ],
  ])('of the %s end the drawing by tensor and step: %s %s', async (component, name, value, message) => {
    await expect(draw(component, name, value)).rejects.toMatchObject({ code: 'not-finite', message: expect.stringMatching(message) });
  });
});
