import { createHash } from 'node:crypto';
import path from 'node:path';
import { CONTEXT_LENGTH, emojiScenes, type SceneSource } from '@controllab/emoji-scenes';
import { denoisingBatchModule, latentPool, type LatentPhase } from '@controllab/training';
import { normaliseLatents, posteriorMeans } from '../networks/autoencoder.ts';
import { LATENT_CHANNELS, LATENT_SIZE, MINI_SCHEDULE } from '../networks/models.ts';
import { tokenizerReference } from '../base/tokenizer.ts';
import { readStatistics, type StoredWeights } from '../weights.ts';
import type { StageDefinition, StageOptions } from './stage.ts';

/** What latents depend on, as a short checksum: the encoder's weights and the statistics that normalise, whatever the decoder is. */
export function encoderHash({ tensors, metadata }: StoredWeights): string {
  const hash = createHash('sha256').update(JSON.stringify(readStatistics(metadata)));
  for (const name of Object.keys(tensors).sort()) {
    if (name.startsWith('encoder.') || name.startsWith('quant_conv.')) hash.update(name).update(tensors[name]!.data);
  }
  return hash.digest('hex').slice(0, 12);
}

/** Scenes that a denoiser is trained on from a step on, in ascending order of `from`; the first begin at 0. */
export interface ScenePhase {
  readonly from: number;
  readonly source: SceneSource;
}

/** What a stage that trains a denoiser on latents of scenes is made of. */
export interface DenoisingData {
  readonly phases: readonly ScenePhase[];
  /** Of each phase: its first ones are encoded. */
  readonly scenes: number;
  readonly batchSize: number;
  /** Share of captions replaced by the empty prompt. */
  readonly promptDrop: number;
}

/** The pool of a phase's latents, encoded into a file of the directory if it is not there yet. */
async function encodedPhase(
  { directory, output = process.stderr }: StageOptions,
  vae: StoredWeights,
  { from, source }: ScenePhase,
  scenes: number,
): Promise<LatentPhase> {
  const encoder = encoderHash(vae);
  const statistics = readStatistics(vae.metadata);
  const pool = createHash('sha256')
    .update(JSON.stringify([source, scenes, encoder]))
    .digest('hex')
    .slice(0, 12);
  const file = path.join(directory, `latents-${source.style ?? 'openmoji'}-${source.tier}-${pool}.safetensors`);
  const dataset = await emojiScenes(source);
  await latentPool(file, {
    dataset,
    examples: scenes,
    encoder,
    encode: async (images) => normaliseLatents(await posteriorMeans(vae.tensors, images, {}), statistics, 'forward'),
    say: (message) => void output.write(`${message}\n`),
  });
  return { from, latents: file, dataset: dataset.reference };
}

/** A denoiser's inputs, and the batches that feed them: latents of scenes with the velocity to predict, and captions. */
export async function denoisingData(
  options: StageOptions,
  vae: StoredWeights,
  { phases, scenes, batchSize, promptDrop }: DenoisingData,
): Promise<Pick<StageDefinition, 'inputs' | 'batches'>> {
  const encoded: LatentPhase[] = [];
  for (const phase of phases) encoded.push(await encodedPhase(options, vae, phase, scenes));
  const latent = [batchSize, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE];
  return {
    inputs: {
      sample: { shape: latent },
      target: { shape: latent },
      timesteps: { shape: [batchSize] },
      ids: { shape: [batchSize, CONTEXT_LENGTH], dtype: 'int32' },
    },
    batches: denoisingBatchModule({
      phases: encoded,
      tokenizer: tokenizerReference(options.tier),
      schedule: MINI_SCHEDULE,
      prediction: 'v',
      recipe: { batchSize, promptDrop, timesteps: 'stratified' },
      seed: options.seed,
    }),
  };
}
