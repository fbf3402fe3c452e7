import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { controlNet } from '@controllab/controlnet';
import { latentPool, trainControl, type Recipe } from '@controllab/training';
import { afterAll, expect, it } from 'vitest';
import type { Base } from '../base.ts';
import { createSampler } from '../sampler/sampler.ts';
import greyPictures from '../testing/grey-pictures.ts';
import { writeTinyModel } from '../testing/tiny-checkpoint.ts';
import { openCheckpoint } from './open-checkpoint.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'training-'));
const at = (...names: string[]): string => path.join(directory, ...names);
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

const engine = { threads: 1 };
const recipe: Recipe = {
  examples: 4,
  batchSize: 2,
  steps: 4,
  learningRate: 1e-3,
  warmup: 0,
  schedule: 'constant',
  promptDrop: 0.5,
  timesteps: 'stratified',
  weightDecay: 0,
  ema: null,
};

async function train(base: Base, name: string) {
  const dataset = greyPictures({ length: 4, side: base.pixels });
  const latents = at(`${name}-latents.safetensors`);
  const encoder = base.hashes['vae']!;
  await latentPool(latents, { dataset, examples: 4, encoder, encode: (images) => base.encode(images, engine), say: () => {} });
  const control = controlNet().create(base.denoiser().target);
  const { result, weights } = await trainControl({
    name,
    model: { denoiser: base.denoiser(), text: base.textEncoder(), weights: base.weights, control },
    tokenizer: base.tokenizer,
    schedule: base.schedule.config,
    prediction: base.prediction,
    data: { latents, dataset: dataset.reference },
    condition: 'grey',
    fixed: base.fixedInputs(),
    recipe,
    seed: 1,
    engine,
    directory: at(name),
    identity: { name },
    output: { isTTY: false, write: () => true },
  });
  return { control, losses: result.losses.map(({ loss }) => loss), weights: weights! };
}

it.each([
  ['epsilon', {}],
  ['v', { predictionType: 'v_prediction', linear: true }],
  ['xl', { xl: true }],
])('a ControlNet trains on a published checkpoint and is sampled from: %s', async (name, options) => {
  writeTinyModel(at(`${name}-model`), options);
  const base = openCheckpoint(at(`${name}-model`));
  const { control, losses, weights } = await train(base, name);
  expect(losses).toHaveLength(4);
  expect(losses.every((loss) => loss > 0 && Number.isFinite(loss))).toBe(true);
  expect(weights['control.controlnet_mid_block.weight']!.data.some((value) => value !== 0)).toBe(true);
  const sampler = await createSampler(base, { count: 1, guidance: false, controls: [{ control }] }, engine);
  const condition = { data: new Float32Array(3 * 32 * 32).fill(0.5), shape: [1, 3, 32, 32] };
  const drawing = { prompts: ['a cat'], seed: 1, steps: 2, guidanceScale: 1, conditions: [condition] };
  const [image] = await sampler.sample({ ...drawing, weights: [weights] });
  await sampler.release();
  expect([image!.width, image!.height]).toEqual([32, 32]);
});

it('another prediction type is another training', async () => {
  writeTinyModel(at('as-epsilon'));
  writeTinyModel(at('as-v'), { predictionType: 'v_prediction' });
  const [epsilon, v] = [await train(openCheckpoint(at('as-epsilon')), 'a'), await train(openCheckpoint(at('as-v')), 'b')];
  expect(epsilon.losses).not.toEqual(v.losses);
});
