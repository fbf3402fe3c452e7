import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { combineGuidance, initialNoise } from '@controllab/diffusion';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileDenoiser, type DenoiserSettings } from './compile-denoiser.ts';
import { encodePrompts, type EncodedPrompts } from './encode-prompt.ts';
import { openControlNet } from './open-controlnet.ts';
import { openModel, type DiffusionModel } from './open-model.ts';
import { writeTinyControlNet, writeTinyModel } from './testing/tiny-checkpoint.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'denoiser-'));
let model: DiffusionModel;
let prompts: EncodedPrompts;
let settings: DenoiserSettings;
const engine = { threads: 1 };

beforeAll(async () => {
  writeTinyModel(directory, { xl: true });
  writeTinyControlNet(path.join(directory, 'control'), { xl: true });
  model = openModel(directory, null);
  prompts = await encodePrompts(model, { prompt: 'a cat', negativePrompt: 'a dog', guidance: true }, engine, () => {});
  const condition = { data: Float32Array.from({ length: 3 * 32 * 16 }, (_, i) => (i % 7) / 7), shape: [1, 3, 16, 32] };
  settings = {
    prompts,
    controls: [{ network: openControlNet(path.join(directory, 'control'), model), condition, scale: 1.5 }],
    guessMode: false,
    guidance: 3,
    width: 32,
    height: 16,
  };
});
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const row = ({ data, shape }: HostTensor, n: number): HostTensor => ({
  data: data.slice((n * data.length) / shape[0]!, ((n + 1) * data.length) / shape[0]!),
  shape: [1, ...shape.slice(1)],
});
const alone = (n: number): EncodedPrompts => ({ context: row(prompts.context, n), pooled: row(prompts.pooled!, n) });

async function predict(change: Partial<DenoiserSettings>) {
  const denoiser = await compileDenoiser(model, { ...settings, ...change }, engine);
  const output = await denoiser.predict(initialNoise(1, [1, 4, 2, 4]), 501);
  await denoiser.release();
  return output;
}

describe('compileDenoiser', () => {
  it('guides away from the first prompt, control on both halves', async () => {
    const [negative, positive] = [await predict({ guidance: 1, prompts: alone(0) }), await predict({ guidance: 1, prompts: alone(1) })];
    const want = combineGuidance(positive, negative, 3);
    const got = await predict({});
    got.data.forEach((value, i) => expect(value).toBeCloseTo(want.data[i]!, 4));
    expect(Math.max(...positive.data.map((value, i) => Math.abs(value - negative.data[i]!)))).toBeGreaterThan(1e-4);
  });

  it('in guess mode controls the conditional half alone', async () => {
    const [negative, positive] = [
      await predict({ guidance: 1, prompts: alone(0), controls: [] }),
      await predict({ guidance: 1, prompts: alone(1), guessMode: true }),
    ];
    const want = combineGuidance(positive, negative, 3);
    const got = await predict({ guessMode: true });
    got.data.forEach((value, i) => expect(value).toBeCloseTo(want.data[i]!, 4));
  });
});

describe('encodePrompts', () => {
  it('joins both encoders, and without a negative prompt gives XL zeros', async () => {
    expect([prompts.context.shape, prompts.pooled!.shape]).toEqual([
      [2, 12, 14],
      [2, 4],
    ]);
    const { context, pooled } = await encodePrompts(model, { prompt: 'a cat', negativePrompt: null, guidance: true }, engine, () => {});
    expect(row(context, 0).data.every((value) => value === 0) && row(pooled!, 0).data.every((value) => value === 0)).toBe(true);
    expect(row(context, 1)).toEqual(alone(1).context);
  });
});
