import * as tf from '@tensorflow/tfjs';
import { createSampler, sampleInBatches } from '@controllab/base-model';
import { withParameters } from '@controllab/core-blocks';
import { firstExamples } from '@controllab/data';
import { attributions, emojiScenes, SCENE_SEEDS, trainingMix, vocabulary, type SceneSource, type Tier } from '@controllab/emoji-scenes';
import { frechetDistance } from '@controllab/metrics';
import type { TrainingResult } from '@controllab/training';
import { miniText } from '../networks/clip.ts';
import { compileJudge } from '../judges/judge.ts';
import { denoisingData } from './denoising.ts';
import { IMAGE_SIZE, miniUNet, miniVae } from '../networks/models.ts';
import { loadInception } from '../load-networks.ts';
import { openMini } from '../base/open-mini.ts';
import { styleAdapter } from '../base/styles.ts';
import type { CommunityStyle } from '../names.ts';
import { scenesOfTier, stepsOfTier } from '../tier.ts';
import { loadWeights } from '../weights.ts';
import { runStage, type StageQuality } from './run-stage.ts';
import type { StageOptions } from './stage.ts';

const styleRecipe = (tier: Tier) => ({
  source: { tier, seed: SCENE_SEEDS.styles.seed, split: 'train', mix: trainingMix } satisfies SceneSource,
  scenes: scenesOfTier(12288, tier),
  batchSize: 16,
  totalSteps: stepsOfTier(800, tier),
  peak: 1e-3,
  warmup: 50,
  promptDrop: 0.1,
});

/** A community model: a low-rank adapter that makes the U-Net draw the same captions as another artist does. */
export async function pretrainStyle(style: CommunityStyle, options: StageOptions): Promise<TrainingResult> {
  const { tier } = options;
  const shared = styleRecipe(tier);
  const recipe = { ...shared, source: { ...shared.source, style } };
  const { source, scenes, batchSize, promptDrop } = recipe;
  const base = openMini({ tier });
  const vae = loadWeights('vae', tier, miniVae());
  const unet = miniUNet();
  const text = miniText(vocabulary(tier).words.length);
  const lora = styleAdapter();
  return runStage(
    {
      part: `style-${style}`,
      title: `The community model in the style of ${attributions[style].work}`,
      recipe,
      identity: { recipe: JSON.stringify(recipe), base: base.hashes },
      module: lora,
      constants: Object.fromEntries(Object.entries(base.weights).filter(([name]) => !name.startsWith('vae.'))),
      ...(await denoisingData(options, vae, { phases: [{ from: 0, source }], scenes, batchSize, promptDrop })),
      loss: ({ sample, target, timesteps, ids }, constants) => {
        const adapted = lora.apply(constants);
        const v = withParameters({ unet, text }, adapted, () => unet.forward(sample!, timesteps!, text.forward(ids!)));
        return { loss: tf.mean(tf.squaredDifference(v, target!)) as tf.Scalar };
      },
      stepsPerRun: 10,
      checkpointEvery: 200,
      metadata: () => ({ unet: base.hashes['unet']! }),
      measureStored: () => styleQuality(tier, style),
      drawings: ['openmoji', style],
    },
    options,
  );
}

/** Pictures behind the Frechet distance, the artist's scenes it holds them against, pictures drawn together, and rows of the report. */
const [DRAWN, REFERENCE, TOGETHER, SHOWN] = [256, 1024, 32, 16];

/**
 * Whether the community model draws as its artist does: the Frechet distance of its pictures and of the base model's to the artist's own
 * scenes, from the same prompts and noise, beside that of the artist's scenes of those prompts.
 */
async function styleQuality(tier: Tier, style: CommunityStyle): Promise<StageQuality> {
  const scenesOf = async (seed: number, count: number): Promise<{ prompt: string; rgb: Uint8Array }[]> => {
    const scenes = await firstExamples(await emojiScenes({ tier, seed, split: 'train', mix: trainingMix, style }), count);
    return scenes.map(({ captions, image }) => ({ prompt: captions.caption, rgb: image.rgb }));
  };
  const own = await scenesOf(SCENE_SEEDS.styleQuality.seed, DRAWN);
  const judge = await compileJudge(loadInception(tier).tensors, tier);
  const reference = await judge.features((await scenesOf(SCENE_SEEDS.styleReference.seed, REFERENCE)).map(({ rgb }) => rgb));
  const { work } = attributions[style];
  const columns: Record<string, Uint8Array[]> = { [`scenes of ${work}`]: own.map(({ rgb }) => rgb) };
  for (const [name, base] of [
    ['base model', openMini({ tier })],
    ['community model', openMini({ tier, style })],
  ] as const) {
    const sampler = await createSampler(base, { count: TOGETHER, guidance: true }, {});
    const drawn = await sampleInBatches(sampler, {
      prompts: own.map(({ prompt }) => prompt),
      seed: 1,
      steps: 20,
      guidanceScale: 4,
    });
    await sampler.release();
    columns[name] = drawn.map(({ rgb }) => rgb);
  }
  const quality: Record<string, number> = {};
  for (const [name, images] of Object.entries(columns))
    quality[`Fréchet distance (mini-inception) to scenes of ${work}, ${name}`] = (
      await frechetDistance(await judge.features(images), reference)
    ).value;
  await judge.release();
  const names = Object.keys(columns);
  return {
    quality,
    grid: {
      kind: 'image-grid',
      id: 'comparison',
      caption: 'The same prompts from the same noise.',
      columns: names,
      rows: own.slice(0, SHOWN).map(({ prompt }, i) => ({
        label: `${i + 1}`,
        detail: prompt,
        images: names.map((name) => ({ rgb: columns[name]![i]!, width: IMAGE_SIZE, height: IMAGE_SIZE, alt: `${name}: ${prompt}` })),
      })),
    },
  };
}
