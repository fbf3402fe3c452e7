import * as tf from '@tensorflow/tfjs';
import { countParameters, withParameters } from '@controllab/core-blocks';
import { caption, CONTEXT_LENGTH, trainingMix, vocabulary } from '@controllab/emoji-scenes';
import type { ImageGrid } from '@controllab/report';
import type { TrainingResult } from '@controllab/training';
import type { LatentBatchData } from '../batches/latent.ts';
import { miniText } from '../clip.ts';
import { trainingLatents } from '../latents.ts';
import { IMAGE_SIZE, LATENT_CHANNELS, LATENT_SIZE, miniUNet, miniVae } from '../models.ts';
import { createSampler, loadBaseModel, styleAdapter, type CommunityStyle } from '../sampler.ts';
import { openScenes, type SceneSource } from '../scenes.ts';
import { loadWeights, saveWeights } from '../weights.ts';
import { writeStageReport } from './stage-report.ts';
import { trainStage, type StageOptions } from './stage.ts';

export const STYLE_RECIPE = {
  source: { tier: 'core', seed: 51, split: 'train', mix: trainingMix } satisfies SceneSource,
  scenes: 12288,
  batchSize: 16,
  totalSteps: 1200,
  peak: 1e-3,
  warmup: 50,
  promptDrop: 0.1,
};

/** A community model: a low-rank adapter that makes the U-Net draw the same captions as another artist does. */
export async function pretrainStyle(style: CommunityStyle, options: StageOptions): Promise<TrainingResult> {
  const { scenes, batchSize, promptDrop } = STYLE_RECIPE;
  const part = `style-${style}` as const;
  const source: SceneSource = { ...STYLE_RECIPE.source, style };
  const base = loadBaseModel();
  const { latents } = await trainingLatents(options.directory, loadWeights('vae', miniVae()), source, scenes);
  const unet = miniUNet();
  const text = miniText(vocabulary(source.tier).words.length);
  const lora = styleAdapter();
  const latent = [batchSize, LATENT_CHANNELS, LATENT_SIZE, LATENT_SIZE];
  const trained = await trainStage(
    {
      part,
      recipe: STYLE_RECIPE,
      identity: { recipe: JSON.stringify(STYLE_RECIPE), style, base: base.hashes },
      module: lora,
      constants: base.denoiser,
      inputs: { noisy: { shape: latent }, target: { shape: latent }, timesteps: { shape: [batchSize] }, ids: { shape: [batchSize, CONTEXT_LENGTH], dtype: 'int32' } },
      loss: ({ noisy, target, timesteps, ids }, constants) => {
        const adapted = lora.apply(constants);
        const v = withParameters({ unet, text }, adapted, () => unet.forward(noisy!, timesteps!, text.forward(ids!)));
        return { loss: tf.mean(tf.squaredDifference(v, target!)) as tf.Scalar };
      },
      batches: { module: new URL('../batches/latent.ts', import.meta.url), data: { latents, vocabularyTier: source.tier, batchSize, seed: options.seed, promptDrop } satisfies LatentBatchData },
      stepsPerRun: 10,
      checkpointEvery: 200,
    },
    options,
  );
  if (trained.weights !== null) {
    saveWeights(part, trained.weights, { recipe: JSON.stringify({ ...STYLE_RECIPE, source }), seed: String(options.seed), parameters: String(countParameters(lora)), unet: base.hashes.unet });
    await writeStageReport({ part, title: `The community model in ${style}'s style`, seed: options.seed, recipe: { ...STYLE_RECIPE, source }, trained, quality: {}, grid: await comparison(style) });
  }
  return trained.result;
}

const SHOWN = 16;

/** The same prompts and noise: the artist's scene, the base model's picture, the community model's. */
async function comparison(style: CommunityStyle): Promise<ImageGrid> {
  const scenes = await openScenes({ tier: STYLE_RECIPE.source.tier, seed: 995, split: 'train', mix: trainingMix, style });
  const drawn = Array.from({ length: SHOWN }, (_, i) => {
    const spec = scenes.spec(i);
    return { prompt: caption(spec.parts), rgb: scenes.render(spec).rgb8.slice() };
  });
  const columns: Uint8Array[][] = [drawn.map(({ rgb }) => rgb)];
  for (const base of [loadBaseModel(), loadBaseModel(style)]) {
    const sampler = await createSampler(base, { count: SHOWN, guidance: true });
    columns.push(await sampler.sample({ prompts: drawn.map(({ prompt }) => prompt), seed: 1, steps: 20, guidanceScale: 4 }));
    await sampler.release();
  }
  const names = [`${style}'s scene`, 'base model', 'community model'];
  return {
    kind: 'image-grid',
    id: 'comparison',
    caption: 'The same prompts from the same noise.',
    columns: names,
    rows: drawn.map(({ prompt }, i) => ({ label: `${i + 1}`, detail: prompt, images: columns.map((column, c) => ({ rgb: column[i]!, width: IMAGE_SIZE, height: IMAGE_SIZE, alt: `${names[c]}: ${prompt}` })) })),
  };
}
