import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { countParameters, initialize, parameterSpecs, withParameters } from '@controllab/core-blocks';
import { caption, CONTEXT_LENGTH, swappedCaption, vocabulary } from '@controllab/emoji-scenes';
import type { HostTensor } from '@controllab/tfjs-onnx';
import { compileTrainStep, cosineRate, initialTrainState, runTraining, startBatchWorker, stateTensors, type TrainingResult } from '@controllab/training';
import type { ClipBatchData } from '../batches/clip.ts';
import { compileClip } from '../clip-score.ts';
import { contrastiveLoss, MiniClip } from '../clip.ts';
import { IMAGE_SIZE } from '../models.ts';
import { openScenes, type SceneSource } from '../scenes.ts';
import { saveWeights } from '../weights.ts';
import type { StageOptions } from './stage.ts';

const BATCH = 128;

export const CLIP_RECIPE = {
  source: { tier: 'core', seed: 21, split: 'train' } satisfies SceneSource,
  batchSize: BATCH,
  totalSteps: 1400,
  peak: 1e-3,
  warmup: 100,
  weightDecay: 0.01,
  noise: 0.3,
};

/** Which of the two: the text tower of `clip` conditions the U-Net; `clip-judge`, of another seed and other scenes, computes CLIP scores. */
export type ClipPart = 'clip' | 'clip-judge';

/** A picture and a text tower, trained contrastively on scenes and captions with each caption's swapped twin as a negative. */
export async function pretrainClip(part: ClipPart, { directory, seed, output }: StageOptions): Promise<TrainingResult> {
  const { source, totalSteps, peak, warmup, weightDecay, noise } = CLIP_RECIPE;
  const own = part === 'clip' ? { seed, source } : { seed: seed + 1, source: { ...source, seed: source.seed + 1 } };
  const clip = new MiniClip(vocabulary(source.tier).words.length);
  const step = await compileTrainStep(
    {
      name: part,
      trainable: parameterSpecs(clip),
      inputs: { images: { shape: [BATCH, 3, IMAGE_SIZE, IMAGE_SIZE] }, ids: { shape: [2 * BATCH, CONTEXT_LENGTH], dtype: 'int32' } },
      optimizer: { weightDecay },
      loss: ({ params, inputs }) =>
        withParameters(clip, params, () => ({ loss: contrastiveLoss(clip.encodeImages(inputs['images']!), clip.encodeTexts(inputs['ids']!), clip.scale()) })),
    },
    { stepsPerRun: 2 },
  );
  const result = await runTraining({
    name: part,
    step,
    initialState: initialTrainState(initialize(clip, own.seed)),
    batches: startBatchWorker({ module: new URL('../batches/clip.ts', import.meta.url), data: { source: own.source, batchSize: BATCH, seed: own.seed, noise } satisfies ClipBatchData }),
    totalSteps,
    learningRate: cosineRate({ peak, totalSteps, warmup, final: peak * 0.02 }),
    seed: own.seed,
    config: { recipe: JSON.stringify(CLIP_RECIPE) },
    directory: path.join(directory, part),
    checkpointEvery: 100,
    ...(output === undefined ? {} : { output }),
  });
  if (result.status === 'finished') {
    const weights = stateTensors(result.state, 'p');
    saveWeights(part, weights, {
      recipe: JSON.stringify({ ...CLIP_RECIPE, source: own.source }),
      seed: String(own.seed),
      parameters: String(countParameters(clip)),
      quality: JSON.stringify(await retrievalQuality(weights)),
    });
  }
  return result;
}

/** Scenes among which a caption is looked for, and how often that is repeated with others. */
const CANDIDATES = 64;
const ROUNDS = 8;

/**
 * On held-out scenes: top-1 of finding a picture's caption among 64 and a caption's picture among 64, and how often a pair's picture is nearer to its
 * caption than to the caption with the names exchanged.
 */
export async function retrievalQuality(weights: Record<string, HostTensor>): Promise<Record<string, number>> {
  const { tier } = CLIP_RECIPE.source;
  const clip = await compileClip(weights, tier, CANDIDATES);
  const found = { captions: 0, pictures: 0, unswapped: 0 };
  const mixed = await openScenes({ tier, seed: 990, split: 'train' });
  const pairs = await openScenes({ tier, seed: 990, split: 'val-combination', mix: { largeSingle: 0, smallSingle: 0, pair: 1, row: 0 } });
  for (let round = 0; round < ROUNDS; round++) {
    const numbers = Array.from({ length: CANDIDATES }, (_, i) => round * CANDIDATES + i);
    const specs = numbers.map((i) => mixed.spec(i));
    const similar = await clip.similarities(specs.map((spec) => mixed.render(spec).rgb8.slice()), specs.map((spec) => caption(spec.parts)));
    for (let i = 0; i < CANDIDATES; i++) {
      if (numbers.every((_, j) => similar[i]![i]! >= similar[i]![j]!)) found.captions++;
      if (numbers.every((_, j) => similar[i]![i]! >= similar[j]![i]!)) found.pictures++;
    }
    const pairSpecs = numbers.map((i) => pairs.spec(i));
    const images = pairSpecs.map((spec) => pairs.render(spec).rgb8.slice());
    const [right, wrong] = [await clip.scores(images, pairSpecs.map((spec) => caption(spec.parts))), await clip.scores(images, pairSpecs.map(swappedCaption))];
    found.unswapped += right.filter((score, i) => score > wrong[i]!).length;
  }
  await clip.release();
  const share = (count: number): number => count / (CANDIDATES * ROUNDS);
  return { 'caption among 64, top-1': share(found.captions), 'picture among 64, top-1': share(found.pictures), 'pairs told from swapped pairs': share(found.unswapped) };
}
