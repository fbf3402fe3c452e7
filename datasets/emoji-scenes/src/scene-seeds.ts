import type { Split } from './scenes/split.ts';

interface SceneSeed {
  readonly seed: number;
  readonly splits: readonly Split[];
  /** Whether a network learns from these scenes, or one is judged by them. */
  readonly use: 'training' | 'judging';
}

/**
 * Every set of scenes that a network is trained or judged on, by its purpose. Scenes of two seeds, or of two splits of one seed, are drawn
 * independently of each other; scenes of one seed and split are the same ones, as far as their mixes agree.
 *
 * - What is judged, and what it is compared with, is never what any network learnt from, nor what another purpose judges on.
 * - Control networks train on scenes that no part of the base model has seen.
 * - Two pairs of purposes share their training scenes: the autoencoder with the U-Net's first phase, and mini-aesthetic, which only judges,
 *   with the community models.
 *
 * `scene-seeds.test.ts` holds the scenes themselves against this.
 */
export const SCENE_SEEDS = {
  // Parts of the embedded default and its judges.
  autoencoder: { seed: 7, splits: ['train'], use: 'training' },
  unet: { seed: 7, splits: ['train'], use: 'training' },
  /** Mostly pairs. */
  unetSecondPhase: { seed: 8, splits: ['train'], use: 'training' },
  clip: { seed: 21, splits: ['train'], use: 'training' },
  /** The mini-CLIP that has no part in drawing. */
  clipJudge: { seed: 22, splits: ['train'], use: 'training' },
  inception: { seed: 31, splits: ['train'], use: 'training' },
  segmenter: { seed: 41, splits: ['train'], use: 'training' },
  aesthetic: { seed: 51, splits: ['train'], use: 'training' },
  /** Community models, each in its own style. */
  styles: { seed: 51, splits: ['train'], use: 'training' },

  // Control networks.
  controlTraining: { seed: 17, splits: ['train'], use: 'training' },

  // How good each part is, told in its stage's report.
  clipQuality: { seed: 990, splits: ['train', 'val-combination'], use: 'judging' },
  autoencoderQuality: { seed: 991, splits: ['val-combination', 'val-object'], use: 'judging' },
  inceptionQuality: { seed: 992, splits: ['train', 'val-combination'], use: 'judging' },
  segmenterQuality: { seed: 993, splits: ['val-combination'], use: 'judging' },
  aestheticQuality: { seed: 994, splits: ['val-combination'], use: 'judging' },
  /** Prompts of the community models. */
  styleQuality: { seed: 995, splits: ['train'], use: 'judging' },
  /** Real scenes behind their Frechet distance. */
  styleReference: { seed: 996, splits: ['train'], use: 'judging' },

  // What the base model can draw.
  baseEvaluation: { seed: 5151, splits: ['train', 'val-combination'], use: 'judging' },
  baseReference: { seed: 5152, splits: ['train', 'val-combination'], use: 'judging' },

  // Experiments: the scenes that pictures are drawn for, and the real ones behind the Frechet distance.
  evaluation: { seed: 4242, splits: ['train', 'val-combination'], use: 'judging' },
  frechetReference: { seed: 4243, splits: ['train', 'val-combination'], use: 'judging' },
  /** Scenes on which the loss of trained controls is taken. */
  heldOutLoss: { seed: 4244, splits: ['train', 'val-object', 'val-combination'], use: 'judging' },
} as const satisfies Record<string, SceneSeed>;
