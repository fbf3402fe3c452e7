import { conflictingCaption, caption, insufficientCaption, catalogue, type SceneSpec, type Tier } from '@controllab/emoji-scenes';
import { ControlNetLite, ControlNetModel, initializeFromUNet } from '@controllab/controlnet';
import { initialize } from '@controllab/core-blocks';
import type { Control } from './controls.ts';
import { MINI_CONTROLNET, type BaseModel, type ControlModule } from '@controllab/mini-sd';
import type { HostTensor } from '@controllab/tfjs-onnx';

export interface Variant {
  id: string;
  label: string;
  /** What distinguishes it, for the report. */
  description: string;
  create(): ControlModule;
  initial(module: ControlModule, base: BaseModel, seed: number): Record<string, HostTensor>;
}

const unetWeights = (base: BaseModel): Record<string, HostTensor> =>
  Object.fromEntries(
    Object.entries(base.denoiser).flatMap(([name, t]) => (name.startsWith('unet.') ? [[name.slice('unet.'.length), t]] : [])),
  );

/** The paper's Fig. 8: (a) proposed, (b) without zero convolutions, (c) lite. */
export const variants: readonly Variant[] = [
  {
    id: 'proposed',
    label: 'ControlNet',
    description: 'trainable copy of the encoder, tied in by zero convolutions',
    create: () => new ControlNetModel(MINI_CONTROLNET),
    initial: (module, base, seed) => initializeFromUNet(module as ControlNetModel, unetWeights(base), seed, 'control'),
  },
  {
    id: 'gaussian',
    label: 'Gaussian convolutions',
    description: 'the same copy, its zero convolutions replaced by standard convolutions with Gaussian weights of variance 1/fan-in',
    create: () => new ControlNetModel(MINI_CONTROLNET, { connection: 'gaussian' }),
    initial: (module, base, seed) => initializeFromUNet(module as ControlNetModel, unetWeights(base), seed, 'control'),
  },
  {
    id: 'lite',
    label: 'ControlNet-lite',
    description: 'one convolution in place of each copied block (our reading of one sentence of the paper), tied in by zero convolutions',
    create: () => new ControlNetLite(MINI_CONTROLNET),
    initial: (module, _base, seed) => initialize(module, seed, 'control'),
  },
];

export interface PromptSetting {
  id: string;
  label: string;
  prompt(spec: SceneSpec, tier: Tier): string;
}

/** The paper's four: no prompt, one that does not name the object, one that contradicts the condition, one that describes the image. */
export const promptSettings: readonly PromptSetting[] = [
  { id: 'none', label: 'no prompt', prompt: () => '' },
  { id: 'insufficient', label: 'insufficient', prompt: (spec) => insufficientCaption(spec, 'background') },
  { id: 'conflicting', label: 'conflicting', prompt: (spec, tier) => conflictingCaption(spec, catalogue(tier)) },
  { id: 'perfect', label: 'perfect', prompt: (spec) => caption(spec.parts) },
];

export interface AblationProfile {
  /** What the networks are conditioned on, one after the other. */
  controls: readonly Control['id'][];
  /** Trainings of each network, from consecutive seeds. */
  seeds: number;
  /** Training scenes, encoded once. */
  scenes: number;
  batchSize: number;
  steps: number;
  learningRate: number;
  warmup: number;
  promptDrop: number;
  evaluateEvery: number;
  /** Images and sampling steps of the training curve (perfect prompt, no guidance). */
  curve: { images: number; steps: number };
  /** Images, sampling steps and guidance of the final comparison. */
  final: { singles: number; pairs: number; steps: number; guidanceScale: number };
  /** Scenes in the report's grid of pictures. */
  shown: { singles: number; pairs: number };
}

/**
 * That of the base model's own training. The rate decides how long control takes to appear: at half of it ControlNet still draws
 * what the base model draws after 320 steps of 8 (edge F1 0.65), at this rate it follows its condition after 200 (0.92).
 */
const LEARNING_RATE = 1e-3;

export const profiles: Record<'quick' | 'standard', AblationProfile> = {
  quick: {
    controls: ['canny'],
    seeds: 1,
    scenes: 4096,
    batchSize: 8,
    steps: 320,
    learningRate: LEARNING_RATE,
    warmup: 40,
    promptDrop: 0.5,
    evaluateEvery: 20,
    curve: { images: 16, steps: 10 },
    final: { singles: 16, pairs: 8, steps: 20, guidanceScale: 3 },
    shown: { singles: 16, pairs: 8 },
  },
  standard: {
    controls: ['canny', 'segmentation', 'mask'],
    seeds: 3,
    scenes: 16384,
    batchSize: 16,
    // Twice as far as Canny edges take to settle: their curve is flat from step 200 to 600 within its own scatter. Segmentation still
    // rises.
    steps: 400,
    learningRate: LEARNING_RATE,
    warmup: 40,
    promptDrop: 0.5,
    evaluateEvery: 20,
    curve: { images: 16, steps: 10 },
    // Two full batches: intervals are over seeds, more pictures would hardly narrow them.
    final: { singles: 40, pairs: 24, steps: 20, guidanceScale: 3 },
    shown: { singles: 6, pairs: 6 },
  },
};
