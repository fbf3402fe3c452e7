import { conditionBatch, normal, uniform } from '@controllab/data';
import { emojiScenes, tokenize, vocabulary, CONTEXT_LENGTH, type Condition, type Tier } from '@controllab/emoji-scenes';
import { addNoise, dropPrompts, NoiseSchedule, stratifiedTimesteps, velocity } from '@controllab/diffusion';
import type { MakeBatch } from '@controllab/training';
import { readLatents } from '../pretrain/latents.ts';
import { LATENT_CHANNELS, LATENT_SIZE, MINI_SCHEDULE } from '../networks/models.ts';

/** A pool of latents and the step from which batches are drawn from it. */
export interface LatentPhase {
  from: number;
  /** File written by `writeLatents`. */
  latents: string;
}

export interface LatentBatchData {
  /** In ascending order of `from`; the first begins at 0. */
  phases: readonly LatentPhase[];
  /** Whose words the captions are tokenised with. */
  vocabularyTier: Tier;
  batchSize: number;
  seed: number;
  /** Share of captions replaced by the empty prompt. */
  promptDrop: number;
  /** Adds the condition map of each scene as input `condition`. */
  condition?: Condition;
}

/** Latents at a random timestep with the velocity to predict, captions, and the condition: one denoising batch. */
export default async function latentBatches({
  phases,
  vocabularyTier,
  batchSize,
  seed,
  promptDrop,
  condition,
}: LatentBatchData): Promise<MakeBatch> {
  const opened = await Promise.all(
    phases.map(async ({ from, latents }) => {
      const pool = readLatents(latents);
      return { from, pool, scenes: await emojiScenes(pool.source) };
    }),
  );
  const words = vocabulary(vocabularyTier);
  const schedule = new NoiseSchedule(MINI_SCHEDULE);
  const row = LATENT_CHANNELS * LATENT_SIZE * LATENT_SIZE;
  const shape = [batchSize, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE];
  return async (step) => {
    const { pool, scenes } = opened.findLast(({ from }) => from <= step)!;
    const indices = Array.from(uniform(seed, 'scene', step, batchSize), (u) => Math.floor(u * pool.count));
    const x0 = { data: new Float32Array(batchSize * row), shape };
    indices.forEach((index, n) => x0.data.set(pool.latents.subarray(index * row, (index + 1) * row), n * row));
    const noise = { data: normal(seed, 'noise', step, batchSize * row), shape };
    const timesteps = stratifiedTimesteps({ seed, step, count: batchSize, trainTimesteps: schedule.trainTimesteps });
    const examples = await Promise.all(indices.map((index) => scenes.example(index)));
    const prompts = dropPrompts(
      examples.map(({ captions }) => captions.caption),
      { seed, step, probability: promptDrop },
    );
    const ids = new Int32Array(batchSize * CONTEXT_LENGTH);
    prompts.forEach((prompt, n) => ids.set(tokenize(prompt, words), n * CONTEXT_LENGTH));
    const inputs = {
      noisy: addNoise(schedule, x0, noise, timesteps),
      target: velocity(schedule, x0, noise, timesteps),
      timesteps: { data: Float32Array.from(timesteps), shape: [batchSize] },
      ids: { data: ids, shape: [batchSize, CONTEXT_LENGTH] },
    };
    if (condition === undefined) return { indices, inputs };
    return { indices, inputs: { ...inputs, condition: conditionBatch(examples.map((example) => example.condition(condition))) } };
  };
}
