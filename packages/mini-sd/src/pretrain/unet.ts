import * as tf from '@tensorflow/tfjs';
import { SCENE_SEEDS, trainingMix, vocabulary, type SceneMix, type Tier } from '@controllab/emoji-scenes';
import { withParameters } from '@controllab/core-blocks';
import { stableDecayRate, type TrainingResult } from '@controllab/training';
import { miniText } from '../networks/clip.ts';
import { denoisingData, encoderHash } from './denoising.ts';
import { miniUNet, miniVae } from '../networks/models.ts';
import { loadTextEncoder } from '../load-networks.ts';
import { scenesOfTier, stepsOfTier } from '../tier.ts';
import { loadWeights } from '../weights.ts';
import { runStage } from './run-stage.ts';
import type { StageOptions } from './stage.ts';

/**
 * Exposures per object decide what a small model can draw, and large singles teach most: they are half of the scenes at first. Once they
 * are drawn well, most scenes are pairs, which show two small objects each. The decay matters as much: at a constant rate the loss stays a
 * quarter higher, and a constant 1e-3 does not stay together for ever (one run jumped to a loss of 1 at step 11,400).
 */
export const unetRecipe = (tier: Tier) => ({
  tier,
  scenes: scenesOfTier(49152, tier),
  phases: [
    { from: 0, seed: SCENE_SEEDS.unet.seed, mix: trainingMix },
    {
      from: stepsOfTier(10000, tier),
      seed: SCENE_SEEDS.unetSecondPhase.seed,
      mix: { largeSingle: 0.12, smallSingle: 0.18, pair: 0.7, row: 0 } satisfies SceneMix,
    },
  ],
  batchSize: 32,
  totalSteps: stepsOfTier(16000, tier),
  decay: stepsOfTier(6000, tier),
  peak: 1e-3,
  warmup: 200,
  ema: 0.999,
  promptDrop: 0.1,
});

/** The U-Net on v-prediction, conditioned by the frozen text tower of mini-CLIP. */
export async function pretrainUNet(options: StageOptions): Promise<TrainingResult> {
  const { tier } = options;
  const recipe = unetRecipe(tier);
  // A run that proves too short may be lengthened from a checkpoint before its decay: its length is no part of what identifies it.
  const { totalSteps, decay, ...lasting } = recipe;
  const { scenes, batchSize, peak, warmup, promptDrop } = lasting;
  const vae = loadWeights('vae', tier, miniVae());
  const words = loadTextEncoder(tier);
  const frozen = { encoder: encoderHash(vae), clip: words.hash };
  const phases = recipe.phases.map(({ from, seed, mix }) => ({ from, source: { tier, seed, split: 'train', mix } as const }));
  const unet = miniUNet();
  const text = miniText(vocabulary(tier).words.length);
  return runStage(
    {
      part: 'unet',
      title: 'The U-Net of the embedded default',
      recipe,
      identity: { recipe: JSON.stringify(lasting), ...frozen },
      module: unet,
      prefix: 'unet',
      constants: words.tensors,
      ...(await denoisingData(options, vae, { phases, scenes, batchSize, promptDrop })),
      loss: ({ sample, target, timesteps, ids }, constants) => {
        const context = withParameters({ text }, constants, () => text.forward(ids!));
        return { loss: tf.mean(tf.squaredDifference(unet.forward(sample!, timesteps!, context), target!)) as tf.Scalar };
      },
      learningRate: stableDecayRate({ peak, totalSteps, decay, warmup }),
      stepsPerRun: 10,
      checkpointEvery: 500,
      metadata: () => frozen,
    },
    options,
  );
}
