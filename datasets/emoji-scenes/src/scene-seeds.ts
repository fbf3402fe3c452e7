import type { Split } from './split.ts';

/** What a set of scenes is for, and the seed and splits that make it. */
interface SceneSeed {
  readonly seed: number;
  readonly splits: readonly Split[];
  readonly purpose: string;
}

/**
 * Every set of scenes that anything is trained or judged on. Scenes of two seeds, or of two splits of one seed, are drawn independently; a test compares
 * the scenes themselves. Two networks may learn from the same scenes (mini-aesthetic and the community models share theirs); nothing is judged on scenes
 * that anything learnt from.
 */
export const SCENE_SEEDS = {
  autoencoder: { seed: 7, splits: ['train'], purpose: 'training of the VAE, and of the U-Net at first' },
  unetSecondPhase: { seed: 8, splits: ['train'], purpose: 'training of the U-Net, second phase' },
  controlTraining: { seed: 17, splits: ['train'], purpose: 'training of control networks: scenes that the base has not seen' },
  clip: { seed: 21, splits: ['train'], purpose: 'training of mini-CLIP' },
  inception: { seed: 31, splits: ['train'], purpose: 'training of mini-inception' },
  segmenter: { seed: 41, splits: ['train'], purpose: 'training of the mini-segmenter' },
  aestheticAndStyles: { seed: 51, splits: ['train'], purpose: 'training of mini-aesthetic and of the community models' },
  clipQuality: { seed: 990, splits: ['train', 'val-combination'], purpose: 'quality of mini-CLIP' },
  autoencoderQuality: { seed: 991, splits: ['train', 'val-combination', 'val-object'], purpose: 'quality of the VAE' },
  inceptionQuality: { seed: 992, splits: ['train', 'val-combination'], purpose: 'quality of mini-inception' },
  segmenterQuality: { seed: 993, splits: ['val-combination'], purpose: 'quality of the mini-segmenter' },
  aestheticQuality: { seed: 994, splits: ['val-combination'], purpose: 'quality of mini-aesthetic' },
  styleQuality: { seed: 995, splits: ['train'], purpose: 'quality of the community models' },
  styleReference: { seed: 996, splits: ['train'], purpose: 'real scenes behind their Fréchet distance' },
  evaluation: { seed: 4242, splits: ['train', 'val-combination'], purpose: 'scenes that the experiments draw' },
  frechetReference: { seed: 4243, splits: ['train', 'val-combination'], purpose: 'real scenes behind the experiments’ Fréchet distance' },
  baseEvaluation: { seed: 5151, splits: ['train', 'val-combination'], purpose: 'prompts that the base model is evaluated on' },
  baseReference: { seed: 5152, splits: ['train', 'val-combination'], purpose: 'real scenes behind the Fréchet distance of the base model' },
} as const satisfies Record<string, SceneSeed>;
