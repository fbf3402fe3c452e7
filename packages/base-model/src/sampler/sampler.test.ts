import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { combineGuidance, type FloatTensor } from '@controllab/diffusion';
import { recordNetworkRuns, type HostTensor } from '@controllab/tfjs-onnx';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Base } from '../base.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { TextEncoders } from '../checkpoint/text-encoders.ts';
import { openControl } from '../control/open-control.ts';
import { writeTinyControlNet, writeTinyModel } from '../testing/tiny-checkpoint.ts';
import { compileDenoiser, type DenoiserOptions, type SampledControl } from './compile-denoiser.ts';
import { createSampler, sampleInBatches, type SampleRequest, type SamplerOptions } from './sampler.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sampler-'));
const at = (...names: string[]): string => path.join(directory, ...names);
const engine = { threads: 1 };
const size = { width: 32, height: 16 };
const condition: HostTensor = { data: Float32Array.from({ length: 3 * 32 * 16 }, (_, i) => (i % 7) / 7), shape: [1, 3, 16, 32] };
let base: Base;
let control: SampledControl;

beforeAll(() => {
  writeTinyModel(at('xl'), { xl: true });
  writeTinyControlNet(at('control'), { xl: true });
  base = openCheckpoint(at('xl'));
  control = { ...openControl(at('control'), base), scale: 1.5 };
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const x: FloatTensor = { data: Float32Array.from({ length: 32 }, (_, i) => Math.sin(i)), shape: [1, 4, 2, 4] };

/** The prediction's rows for prompts, from one graph. */
async function predict(options: Partial<DenoiserOptions>, prompts: readonly (string | null)[]): Promise<FloatTensor[]> {
  const own: DenoiserOptions = {
    count: 1,
    guidance: prompts.length === 2,
    controls: [],
    controlIn: 'both',
    weighting: 'equal',
    size,
    ...options,
  };
  const given = { ...(await base.encodePrompts(prompts, engine)), ...(own.controls.length > 0 ? { condition0: condition } : {}) };
  const denoiser = await compileDenoiser(base, own, given, engine);
  const { data } = await (await denoiser.hold({})).predict(x, 501);
  await denoiser.release();
  return prompts.map((_, n) => ({ data: (data as Float32Array).slice(n * 32, (n + 1) * 32), shape: x.shape }));
}
const near = (a: FloatTensor, b: FloatTensor): void => a.data.forEach((value, i) => expect(value).toBeCloseTo(b.data[i]!, 4));
const apart = (a: FloatTensor, b: FloatTensor): number => Math.max(...a.data.map((value, i) => Math.abs(value - b.data[i]!)));

describe('the compiled denoiser of a published checkpoint', () => {
  it('predicts both halves of guidance at once, control on both', async () => {
    const controls = [control];
    const [positive, negative] = await predict({ controls }, ['a cat', 'a dog']);
    near(positive!, (await predict({ controls }, ['a cat']))[0]!);
    near(negative!, (await predict({ controls }, ['a dog']))[0]!);
    expect(apart(combineGuidance(positive!, negative!, 3), positive!)).toBeGreaterThan(1e-4);
  });

  it('controls the conditional half alone where it is told to', async () => {
    for (const weighting of ['equal', 'guess', 'resolution'] as const) {
      const options = { controls: [control], weighting };
      const [positive, negative] = await predict({ ...options, controlIn: 'conditional' }, ['a cat', null]);
      near(positive!, (await predict(options, ['a cat']))[0]!);
      near(negative!, (await predict({}, [null]))[0]!);
    }
  });

  it('weighs the connections in three ways', async () => {
    const rows = [];
    for (const weighting of ['equal', 'guess', 'resolution'] as const)
      rows.push((await predict({ controls: [control], weighting }, ['a cat']))[0]!);
    for (const [i, j] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const)
      expect(apart(rows[i]!, rows[j]!)).toBeGreaterThan(1e-4);
  });
});

describe('sampling from a published checkpoint', () => {
  const request: SampleRequest = { prompts: ['a cat'], seed: 3, steps: 2, guidanceScale: 4 };
  async function draw(options: Partial<SamplerOptions>, more: Partial<SampleRequest> = {}) {
    const sampler = await createSampler(base, { count: 2, guidance: true, size, ...options }, engine);
    try {
      return await sampler.sample({ ...request, ...more });
    } finally {
      await sampler.release();
    }
  }

  it('draws fewer or more pictures than it takes at a time, each from its own noise', async () => {
    const sampler = await createSampler(base, { count: 2, guidance: true, size }, engine);
    const three = await sampleInBatches(sampler, { ...request, prompts: ['a cat', 'a dog', 'a cat'] });
    await sampler.release();
    expect(three.map(({ width, height }) => [width, height])).toEqual(Array(3).fill([32, 16]));
    expect((await draw({}, { firstImage: 2 }))[0]!.rgb).toEqual(three[2]!.rgb);
    expect(three[0]!.rgb).not.toEqual(three[2]!.rgb);
  });

  it('takes a seed and a negative prompt for each picture, which it draws as it would alone', async () => {
    const prompts = ['a cat', 'a dog', 'a cat'];
    const sampler = await createSampler(base, { count: 2, guidance: true, size }, engine);
    const own = { ...request, prompts, solver: 'ddpm', seed: [7, 4, 9], negativePrompts: ['a', null, 'b'] } as const;
    const three = await sampleInBatches(sampler, own);
    await expect(sampler.sample({ ...request, seed: [1, 2] })).rejects.toThrow(/a seed for each of 1 prompts, got 2/);
    await expect(sampler.sample({ ...request, negativePrompts: [] })).rejects.toThrow(/a negative prompt for each of 1, got 0/);
    await sampler.release();
    for (const [n, seed] of own.seed.entries()) {
      const alone = await draw({ count: 1 }, { prompts: [prompts[n]!], seed, solver: 'ddpm', negativePrompt: own.negativePrompts[n]! });
      three[n]!.rgb.forEach((value, i) => expect(Math.abs(value - alone[0]!.rgb[i]!)).toBeLessThanOrEqual(1));
    }
  });

  it('follows controls, kept with the sampler or given with each request, and what guidance leads away from', async () => {
    const kept = await draw({ controls: [control] }, { conditions: [condition] });
    const { weights, ...alone } = control;
    const { initial } = control.control;
    const given = await draw({ controls: [alone] }, { conditions: [condition], weights: [initial({}, 0)] });
    expect(weights).toBeDefined();
    given[0]!.rgb.forEach((value, i) => expect(Math.abs(value - kept[0]!.rgb[i]!)).toBeLessThanOrEqual(1));
    expect((await draw({}))[0]!.rgb).not.toEqual(kept[0]!.rgb);
    expect((await draw({}, { negativePrompt: '' }))[0]!.rgb).not.toEqual((await draw({}))[0]!.rgb);
  });

  it('tells stages and steps, and once each what of a prompt is cut off', async () => {
    const told: string[] = [];
    const prompts = ['a b c d e f g h i j k l', 'a b c d e f g h i j k l'];
    await draw(
      { say: (message) => told.push(message) },
      { prompts, onStage: (stage) => told.push(stage), onStep: (step, steps) => told.push(`${step}/${steps}`) },
    );
    expect(told).toEqual([
      'the text encoder reads 10 tokens; the last 2 of a prompt are cut off: "k l"',
      'prompts encoded',
      'denoiser loaded',
      '1/2',
      '2/2',
      'decoded',
    ]);
  });

  it('names a size that does not fit', async () => {
    await expect(draw({ size: { width: 30, height: 32 } })).rejects.toThrow(/width must be a multiple of 8, got 30; e\.g\. 24 or 32/);
  });

  it('refuses settings that the solver cannot take before anything is loaded', async () => {
    const { runs } = await recordNetworkRuns(async () => {
      await expect(draw({}, { steps: 2000 })).rejects.toMatchObject({
        code: 'invalid-config',
        message: expect.stringMatching(/steps/) as string,
      });
      await expect(draw({}, { solver: 'ddim', sampling: { sigmas: 'karras' } })).rejects.toThrow(/ddim has no karras sigmas/);
      const short = [{ ...control, start: 0.1, end: 0.4 }];
      await expect(draw({ controls: short }, { conditions: [condition] })).rejects.toThrow(
        /control 1 of 1 acts at none of the 2 steps: none lies whole between 0\.1 and 0\.4/,
      );
    });
    expect(runs).toEqual([]);
  });

  it('loads each part once for a list, and draws what each picture is alone', async () => {
    let loaded = 0;
    // Called while an encoder is traced, once each time that it is loaded.
    const encoders = vi.spyOn(TextEncoders.prototype, 'encodeOne');
    const counted: Base = Object.create(base, {
      denoiser: { value: (...args: Parameters<Base['denoiser']>) => (loaded++, base.denoiser(...args)) },
    }) as Base;
    const controls = [control];
    const prompts = ['a cat', 'a dog', 'a cat'];
    const sampler = await createSampler(counted, { count: 1, guidance: true, size, controls }, engine);
    const list = { prompts, seed: [4, 5, 6], steps: 3, guidanceScale: 2 };
    const images = await sampleInBatches(sampler, { ...list, conditionsOf: () => [condition] });
    expect(loaded).toBe(1);
    expect(encoders).toHaveBeenCalledTimes(2);
    for (const [i, { rgb }] of images.entries()) {
      const one = { ...list, prompts: [prompts[i]!], seed: [list.seed[i]!], conditions: [condition] };
      const [alone] = await sampler.sample(one);
      expect(rgb).toEqual(alone!.rgb);
    }
    expect(images[0]!.rgb).not.toEqual(images[2]!.rgb);
    expect(loaded).toBe(4);
    expect(encoders).toHaveBeenCalledTimes(8);
    encoders.mockRestore();
  });
});
