import { conditionBatch, normal, openDataset, type DatasetReference } from '@controllab/data';
import {
  addNoise,
  dropPrompts,
  minSnrWeight,
  NoiseSchedule,
  stratifiedTimesteps,
  trainingTarget,
  uniformTimesteps,
  type NoiseScheduleConfig,
  type Prediction,
} from '@controllab/diffusion';
import type { HostTensor } from '@controllab/tfjs-onnx';
import type { MakeBatch } from '../batch.ts';
import { TrainingError } from '../errors.ts';
import { bucketedExamples } from './bucketed-examples.ts';
import { drawnExamples } from './drawn-examples.ts';
import { openLatentPool, type LatentPool } from './latent-pool.ts';
import { examplesOfStep, type Recipe } from './recipe.ts';

/** The input that weighs each example's loss, of a recipe with `snrGamma`. */
export const LOSS_WEIGHTS = 'lossWeights';

/** Opens something again in another thread: `module` is the URL of a module whose default export takes `data`. */
export interface ModuleReference {
  readonly module: string;
  readonly data: unknown;
}

/** Pictures of one size. */
export interface LatentBucket {
  /** File written by `latentPool` of these examples. */
  readonly latents: string;
  /** Their numbers in the dataset. */
  readonly indices: readonly number[];
  /** In place of `DenoisingBatchData.fixed`. */
  readonly fixed?: Readonly<Record<string, readonly number[]>>;
}

/** A dataset whose pictures are encoded, and the step from which batches are drawn from it. */
export interface LatentPhase {
  readonly from: number;
  /** File written by `latentPool`; of pictures of several sizes a bucket for each: a batch is of one, see `bucketedExamples`. */
  readonly latents: string | readonly LatentBucket[];
  readonly dataset: DatasetReference;
}

/** What a step is made of. */
interface Drawn {
  readonly pool: LatentPool;
  readonly indices: readonly number[];
  readonly fixed?: LatentBucket['fixed'];
}

type DrawnRecipe = Pick<Recipe, 'batchSize' | 'accumulation' | 'order'>;

/** @throws TrainingError invalid-options for buckets that are not gone through by epochs */
function openPhase(latents: LatentPhase['latents'], recipe: DrawnRecipe, seed: number): (step: number) => Drawn {
  if (typeof latents === 'string') {
    const pool = openLatentPool(latents);
    const drawn = drawnExamples(recipe, { seed, count: pool.count });
    return (step) => ({ pool, indices: drawn(step) });
  }
  if (recipe.order !== 'epochs')
    throw new TrainingError('invalid-options', 'buckets of pictures are gone through by epochs: set the recipe’s order', {
      order: recipe.order,
    });
  const buckets = latents.map((bucket) => ({ ...bucket, pool: openLatentPool(bucket.latents) }));
  const drawn = bucketedExamples(recipe, { seed, counts: buckets.map(({ indices }) => indices.length) });
  return (step) => {
    const { bucket, places } = drawn(step);
    const { pool, indices, fixed } = buckets[bucket]!;
    return { pool, indices: places.map((place) => indices[place]!), ...(fixed === undefined ? {} : { fixed }) };
  };
}

/** All that the worker which makes denoising batches is told: plain data. */
export interface DenoisingBatchData {
  /** In ascending order of `from`; the first begins at 0. */
  readonly phases: readonly LatentPhase[];
  /** Makes `(prompts) => token ids by input name`. */
  readonly tokenizer: ModuleReference;
  readonly schedule: NoiseScheduleConfig;
  readonly prediction: Prediction;
  readonly recipe: Pick<Recipe, 'batchSize' | 'promptDrop' | 'timesteps' | 'accumulation' | 'snrGamma' | 'order'>;
  readonly seed: number;
  /** Added to every step: a training that goes on from another one sees the batches behind its. 0. */
  readonly firstStep?: number;
  /** Prompts longer than the text encoder reads are cut off, not refused: whoever asks for it has said which. */
  readonly cutPrompts?: boolean;
  /** Adds this condition of each example as input `condition`. */
  readonly condition?: string;
  /** Inputs that are the same for every sample, by name: SDXL's `timeIds`. */
  readonly fixed?: Readonly<Record<string, readonly number[]>>;
}

/** The batches below as `startBatchWorker` takes them: made in a worker thread. */
export const denoisingBatchModule = (data: DenoisingBatchData): { module: URL; data: DenoisingBatchData } => ({
  module: new URL(import.meta.url),
  data,
});

type Tokenize = (prompts: readonly string[], say?: (message: string) => void) => Record<string, HostTensor>;

const openTokenizer = async ({ module, data }: ModuleReference): Promise<Tokenize> =>
  ((await import(module)) as { default(data: unknown): Tokenize | Promise<Tokenize> }).default(data);

/**
 * The one batch contract of denoisers: `sample` (noisy latents), `timesteps`, `target` (what the prediction type asks for), token ids by
 * the text encoder's input names, and `condition`. All randomness is a function of (seed, step): data order, noise, timesteps and dropped
 * prompts are the same for every method that trains on the same dataset with the same seed.
 */
export default async function denoisingBatches(data: DenoisingBatchData): Promise<MakeBatch> {
  const { tokenizer, prediction, seed, condition, fixed = {}, cutPrompts = false, firstStep = 0 } = data;
  const { promptDrop, timesteps: sampling, snrGamma } = data.recipe;
  const batchSize = examplesOfStep(data.recipe);
  const phases = await Promise.all(
    data.phases.map(async ({ from, latents, dataset }) => {
      return { from, drawn: openPhase(latents, data.recipe, seed), dataset: await openDataset(dataset) };
    }),
  );
  const tokenize = await openTokenizer(tokenizer);
  const schedule = new NoiseSchedule(data.schedule);
  const drawTimesteps = sampling === 'stratified' ? stratifiedTimesteps : uniformTimesteps;

  return async (ownStep) => {
    const step = firstStep + ownStep;
    const { dataset, drawn } = phases.findLast(({ from }) => from <= step)!;
    const { pool, indices, fixed: ofBucket = fixed } = drawn(step);
    const row = pool.shape.reduce((a, b) => a * b, 1);
    const shape = [batchSize, ...pool.shape];
    const x0 = { data: new Float32Array(batchSize * row), shape };
    indices.forEach((index, n) => x0.data.set(pool.of(index), n * row));
    const noise = { data: normal(seed, 'noise', step, batchSize * row), shape };
    const timesteps = drawTimesteps({ seed, step, count: batchSize, trainTimesteps: schedule.trainTimesteps });
    const examples = await Promise.all(indices.map((index) => dataset.example(index)));
    const prompts = dropPrompts(
      examples.map(({ captions }) => captions['caption'] ?? ''),
      { seed, step, probability: promptDrop },
    );
    const inputs: Record<string, HostTensor> = {
      sample: addNoise(schedule, x0, noise, timesteps),
      target: trainingTarget(prediction, schedule, x0, noise, timesteps),
      timesteps: { data: Float32Array.from(timesteps), shape: [batchSize] },
      ...tokenize(prompts, cutPrompts ? () => {} : undefined),
    };
    if (snrGamma !== undefined) {
      const weights = Float32Array.from(timesteps, (t) => minSnrWeight(prediction, schedule, t, snrGamma));
      inputs[LOSS_WEIGHTS] = { data: weights, shape: [batchSize] };
    }
    for (const [name, values] of Object.entries(ofBucket)) {
      inputs[name] = {
        data: Float32Array.from({ length: batchSize * values.length }, (_, i) => values[i % values.length]!),
        shape: [batchSize, values.length],
      };
    }
    if (condition !== undefined) inputs['condition'] = conditionBatch(examples.map((example) => example.condition(condition)));
    return { indices, inputs };
  };
}
