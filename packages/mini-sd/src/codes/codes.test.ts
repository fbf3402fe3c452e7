import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { countParameters, initialize, withParameters } from '@controllab/core-blocks';
import { firstExamples, imageBatch } from '@controllab/data';
import { emojiScenes, SCENE_SEEDS } from '@controllab/emoji-scenes';
import { compile } from '@controllab/tfjs-onnx';
import { compileCodeSampler } from './code-sampler.ts';
import { vqTransformer } from './code-model.ts';
import { codesOf, entropyLoss, firstStage, miniCodeTransformer, miniVq, picturesOf, secondStage } from './networks.ts';

const engine = { threads: 1 };
const weights = { ...initialize(miniVq(), 1, 'vq'), ...initialize(miniCodeTransformer(), 2, 'prior') };
const scenes = await firstExamples(await emojiScenes({ tier: 'core', seed: SCENE_SEEDS.evaluation.seed, split: 'train' }), 3);
const conditions = scenes.map((scene) => scene.condition('segmentation'));

describe('the sampler', () => {
  it('draws a picture for each condition from its own numbers, however many at a time', async () => {
    const { drawing } = vqTransformer();
    const one = await compileCodeSampler(weights, { count: 1, drawing }, engine);
    const two = await compileCodeSampler(weights, { count: 2, drawing }, engine);
    const [alone, together] = [await one.sample(conditions, 5), await two.sample(conditions, 5)];
    expect(together.map(({ width, height }) => [width, height])).toEqual(Array(3).fill([64, 64]));
    for (const [i, { rgb }] of together.entries()) expect(rgb).toEqual(alone[i]!.rgb);
    const [again] = await one.sample(conditions.slice(0, 1), 6);
    expect(again!.rgb).not.toEqual(alone[0]!.rgb);
    await Promise.all([one.release(), two.release()]);
  }, 120_000);
});

it('pictures become 64 codes of the codebook, and codes pictures again', async () => {
  const vq = miniVq();
  const network = await compile(
    ({ inputs: { images }, constants }) =>
      withParameters({ vq }, constants, () => {
        const codes = codesOf(vq, images!);
        return { outputs: { codes, images: picturesOf(vq, codes) } };
      }),
    { inputs: { images: { shape: [3, 3, 64, 64] } }, constants: initialize(vq, 1, 'vq') },
    engine,
  );
  const { codes, images } = await network.run({ images: imageBatch(scenes.map(({ image }) => image)) });
  await network.release();
  expect([codes!.shape, images!.shape]).toEqual([
    [3, 64],
    [3, 3, 64, 64],
  ]);
  expect(Math.min(...codes!.data)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...codes!.data)).toBeLessThan(512);
  // Latents of unit variance choose among many codes from the start.
  expect(new Set(codes!.data).size).toBeGreaterThan(30);
});

it('the entropy loss is that of each choice less that of all together', async () => {
  await tf.setBackend('cpu');
  const [sure, unsure] = [Math.log(3), 0];
  const of = (...nearness: number[]): number => entropyLoss(tf.tensor(nearness, [1, 2, 2])).dataSync()[0]!;
  // Choices of 3/4 and 1/4: 0.562335 each; ln 2 together where they differ, the same where they do not.
  expect(of(sure, unsure, unsure, sure)).toBeCloseTo(0.562335 - Math.log(2), 5);
  expect(of(sure, unsure, sure, unsure)).toBeCloseTo(0, 5);
  // A constant added to a latent's nearness (its own square) changes nothing.
  expect(of(sure - 7, unsure - 7, unsure, sure)).toBeCloseTo(0.562335 - Math.log(2), 5);
});

it('has stages of one to three million parameters, the second of which leaves the first as it is', () => {
  const [first, second] = [firstStage(), secondStage(weights)].map(({ modules }) => modules);
  expect(Object.keys({ ...first, ...second })).toEqual(['vq', 'prior']);
  for (const stage of [first!, second!]) {
    expect(countParameters(stage)).toBeGreaterThan(1e6);
    expect(countParameters(stage)).toBeLessThan(3e6);
  }
});
