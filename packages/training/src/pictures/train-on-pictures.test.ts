import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, it } from 'vitest';
import { Conv2d } from '@controllab/core-blocks';
import { drawnExamples } from '../denoising/drawn-examples.ts';
import shadedPictures from '../testing/shaded-pictures.ts';
import pictureBatches from './batches.ts';
import { trainOnPictures, type PictureModel, type PictureRecipe } from './train-on-pictures.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'pictures-'));
afterAll(() => rmSync(directory, { recursive: true }));

const { reference: dataset } = shadedPictures();
const recipe: PictureRecipe = {
  examples: 16, batchSize: 4, steps: 60, learningRate: 0.05, warmup: 0, schedule: 'constant', weightDecay: 0, ema: null,
}; // prettier-ignore

it('a batch has pictures in [-1, 1] and conditions in [0, 1] of the examples that a denoiser would see', async () => {
  const make = await pictureBatches({ dataset, recipe, seed: 3, condition: 'negative' });
  const { indices, inputs } = await make(7);
  expect(indices).toEqual(drawnExamples(recipe, { seed: 3, count: 16 })(7));
  expect([inputs['images']!.shape, inputs['condition']!.shape]).toEqual([
    [4, 3, 4, 4],
    [4, 3, 4, 4],
  ]);
  indices.forEach((index, n) => {
    expect(inputs['images']!.data[48 * n]).toBeCloseTo((16 * index) / 127.5 - 1, 6);
    expect(inputs['condition']!.data[48 * n]).toBeCloseTo(1 - (16 * index) / 255, 6);
  });
  const alone = await pictureBatches({ dataset, recipe, seed: 3 });
  expect(Object.keys((await alone(0)).inputs)).toEqual(['images']);
});

/** Draws each pixel from the condition's, which is possible: image = 1 - 2 condition. */
function negative(): PictureModel {
  const conv = new Conv2d(3, 3, 1);
  return {
    modules: { conv },
    constants: {},
    pixels: [4, 4],
    conditional: true,
    loss: ({ images, condition }) => tf.mean(tf.squaredDifference(conv.forward(condition!), images!)),
  };
}

describe('a model of pictures', () => {
  const train = (
    folder: string,
    more: Partial<PictureRecipe> = {},
    checkpoints: { checkpointEvery?: number; keptCheckpoints?: number } = {},
  ) =>
    trainOnPictures({
      name: 'negative',
      model: negative(),
      dataset,
      condition: 'negative',
      recipe: { ...recipe, ...more },
      seed: 1,
      engine: { threads: 1 },
      directory: path.join(directory, folder),
      identity: {},
      checkpointEvery: 20,
      ...checkpoints,
    });

  it('learns, from the same seed the same', async () => {
    const { result, weights } = await train('first');
    expect(Object.keys(weights!)).toEqual(['conv.weight', 'conv.bias']);
    const [first, last] = [result.losses[0]!.loss, result.losses.at(-1)!.loss];
    expect(last).toBeLessThan(0.1 * first);
    expect((await train('second')).weights).toEqual(weights);
  });

  it('goes on from a step that its present checkpoints would not fall on, to its end and the same bytes', async () => {
    const whole = await train('whole', {}, { checkpointEvery: 15, keptCheckpoints: 4 });
    const folder = path.join(directory, 'whole', 'checkpoints');
    for (const name of readdirSync(folder)) if (!/step-0*15\./.test(name)) rmSync(path.join(folder, name), { recursive: true });
    // Of 60 steps with a checkpoint every 20, one call would run 10: from 15 on to 65.
    const { result, weights } = await train('whole', {}, { checkpointEvery: 20 });
    expect(result).toMatchObject({ status: 'finished', resumedFrom: 15, step: 60 });
    expect(result.checkpoint).toMatch(/step-00000060\.safetensors$/);
    expect(weights).toEqual(whole.weights);
  });

  it('refuses a recipe that makes no sense by its field', async () => {
    await expect(train('refused', { batchSize: 0 })).rejects.toThrow('recipe.batchSize: expected a whole number of at least 1, got 0');
  });
});
